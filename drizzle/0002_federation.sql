CREATE TABLE "enrolment_code" (
	"digest" text PRIMARY KEY NOT NULL,
	"entity" text NOT NULL,
	"registry_types" text[] NOT NULL,
	"max_path_length" integer,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "enrolment" (
	"id" text PRIMARY KEY NOT NULL,
	"entity" text NOT NULL,
	"configuration" text NOT NULL,
	"nonce" text NOT NULL,
	"formerly" text,
	"state" text NOT NULL,
	"reason" text,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "request_nonce" (
	"key_id" text NOT NULL,
	"nonce" text NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "request_nonce_key_id_nonce_pk" PRIMARY KEY("key_id","nonce")
);
--> statement-breakpoint
DROP INDEX "record_search_first_index";--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "changed_at" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state" text DEFAULT 'active' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "entity_types" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "is_intermediate" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "formerly" jsonb;--> statement-breakpoint
CREATE INDEX "enrolment_entity" ON "enrolment" USING btree ("entity");--> statement-breakpoint
CREATE INDEX "enrolment_expires_at" ON "enrolment" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "request_nonce_expires_at" ON "request_nonce" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field","until","value");