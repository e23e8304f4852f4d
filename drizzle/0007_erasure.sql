CREATE TABLE "access_version_receiver" (
	"consumer" text NOT NULL,
	"rid" uuid NOT NULL,
	"version" integer NOT NULL,
	"noticed_at" bigint,
	"notice_attempts" integer DEFAULT 0 NOT NULL,
	"notice_after" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "access_version_receiver_consumer_rid_version_pk" PRIMARY KEY("consumer","rid","version")
);
--> statement-breakpoint
CREATE TABLE "record_hold" (
	"id" uuid PRIMARY KEY NOT NULL,
	"rid" uuid NOT NULL,
	"until" bigint,
	"sealed" "bytea" NOT NULL,
	"released" "bytea"
);
--> statement-breakpoint
DROP INDEX "record_state_erasures";--> statement-breakpoint
ALTER TABLE "erasure_notice" ADD COLUMN "version" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "erasure_notice" DROP CONSTRAINT "erasure_notice_pkey";--> statement-breakpoint
ALTER TABLE "erasure_notice" ADD CONSTRAINT "erasure_notice_href_version_pk" PRIMARY KEY("href","version");--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "erased_version" integer;--> statement-breakpoint
CREATE INDEX "access_version_receiver_rid" ON "access_version_receiver" USING btree ("rid","version");--> statement-breakpoint
CREATE INDEX "record_hold_rid" ON "record_hold" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "record_state_erasures" ON "record_state" USING btree ("log_index") WHERE operation in ('erase', 'erase_version');--> statement-breakpoint
-- Which version a consumer was given was not kept before: it counts as having been given every one that there was by then, so that no notice is missed.
INSERT INTO "access_version_receiver" ("consumer", "rid", "version")
SELECT DISTINCT a.consumer, a.rid, v.version FROM "access_receiver" a JOIN "record_version" v ON v.rid = a.rid AND v.recorded_at <= a.at;
