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
CREATE TABLE "notification_choice" (
	"subject" uuid PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "notification_delivery" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "notification_delivery_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"jti" uuid NOT NULL,
	"subject" uuid NOT NULL,
	"kind" text NOT NULL,
	"url" text NOT NULL,
	"count" integer NOT NULL,
	"created_at" bigint NOT NULL,
	"attempts" integer DEFAULT 0 NOT NULL,
	"next_at" bigint NOT NULL,
	"delivered_at" bigint
);
--> statement-breakpoint
CREATE TABLE "notification_due" (
	"subject" uuid NOT NULL,
	"kind" text NOT NULL,
	"due_at" bigint NOT NULL,
	"count" integer NOT NULL,
	CONSTRAINT "notification_due_subject_kind_due_at_pk" PRIMARY KEY("subject","kind","due_at")
);
--> statement-breakpoint
CREATE TABLE "notification_gateway" (
	"url" text PRIMARY KEY NOT NULL,
	"delivered" bigint NOT NULL,
	"given_up" bigint NOT NULL,
	"last_success_at" bigint,
	"last_failure_at" bigint,
	"last_failure" text
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
ALTER TABLE "access_subject" ADD COLUMN "is_notified" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "consent" ADD COLUMN "state_mac" text;--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "erased_version" integer;--> statement-breakpoint
CREATE INDEX "access_version_receiver_rid" ON "access_version_receiver" USING btree ("rid","version");--> statement-breakpoint
CREATE INDEX "share_subject" ON "share" USING btree ("subject","created_at");--> statement-breakpoint
CREATE INDEX "notification_delivery_next" ON "notification_delivery" USING btree ("url","next_at");--> statement-breakpoint
CREATE INDEX "notification_delivery_person" ON "notification_delivery" USING btree ("subject","kind","created_at");--> statement-breakpoint
CREATE INDEX "notification_due_at" ON "notification_due" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "record_hold_rid" ON "record_hold" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "record_state_erasures" ON "record_state" USING btree ("log_index") WHERE operation in ('erase', 'erase_version');--> statement-breakpoint
-- Which version a consumer was given was not kept before: it counts as having been given every one that there was by then, so that no notice is missed.
INSERT INTO "access_version_receiver" ("consumer", "rid", "version")
SELECT DISTINCT a.consumer, a.rid, v.version FROM "access_receiver" a JOIN "record_version" v ON v.rid = a.rid AND v.recorded_at <= a.at;
