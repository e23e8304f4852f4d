CREATE TABLE "attachment_hold" (
	"key" text NOT NULL,
	"rid" uuid NOT NULL,
	"open" boolean NOT NULL,
	CONSTRAINT "attachment_hold_key_rid_pk" PRIMARY KEY("key","rid")
);
--> statement-breakpoint
CREATE TABLE "attachment" (
	"key" text PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"media_type" text NOT NULL,
	"bytes" integer NOT NULL,
	"sealed_key" "bytea" NOT NULL,
	"sealed_name" "bytea",
	"sealed" "bytea" NOT NULL,
	"held" boolean NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "reference_watch" (
	"rid" uuid PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"version" integer NOT NULL,
	"state" text NOT NULL,
	"faults" jsonb NOT NULL,
	"attempts" smallint NOT NULL,
	"checked_at" bigint,
	"next_check_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "attachment_hold_rid" ON "attachment_hold" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "attachment_held_created_at" ON "attachment" USING btree ("held","created_at");--> statement-breakpoint
CREATE INDEX "reference_watch_registry_state" ON "reference_watch" USING btree ("registry","state","rid");--> statement-breakpoint
CREATE INDEX "reference_watch_next_check_at" ON "reference_watch" USING btree ("next_check_at");