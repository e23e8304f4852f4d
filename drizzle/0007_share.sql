CREATE TABLE "share" (
	"id" uuid PRIMARY KEY NOT NULL,
	"subject" uuid NOT NULL,
	"registry" text NOT NULL,
	"rid" uuid NOT NULL,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"is_one_time" boolean NOT NULL,
	"ended_at" bigint,
	"wrong_codes" integer DEFAULT 0 NOT NULL,
	"openings" integer DEFAULT 0 NOT NULL,
	"used" text,
	"log_index" bigint NOT NULL,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE INDEX "share_subject" ON "share" USING btree ("subject","created_at");