CREATE TABLE "chain_archive" (
	"log_index" bigint PRIMARY KEY NOT NULL,
	"digest" text NOT NULL,
	"text" text NOT NULL,
	"archived_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_event" (
	"digest" text PRIMARY KEY NOT NULL,
	"text" text NOT NULL,
	"log_index" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	CONSTRAINT "key_event_log_index_unique" UNIQUE("log_index")
);
--> statement-breakpoint
CREATE INDEX "chain_archive_digest" ON "chain_archive" USING btree ("digest","log_index");--> statement-breakpoint
CREATE INDEX "chain_archive_archived_at" ON "chain_archive" USING btree ("archived_at");