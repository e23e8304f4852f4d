CREATE TABLE "chain_archive" (
	"log_index" bigint PRIMARY KEY NOT NULL,
	"digest" text NOT NULL,
	"text" text NOT NULL,
	"archived_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "directory_entry" (
	"entity" text PRIMARY KEY NOT NULL,
	"path" text[] NOT NULL,
	"superior" text,
	"organization_name" text,
	"registry_types" text[] NOT NULL,
	"formerly" text[] DEFAULT '{}' NOT NULL,
	"is_superior" boolean NOT NULL,
	"state" text NOT NULL,
	"code" text,
	"state_since" bigint NOT NULL,
	"valid_until" bigint,
	"checked_at" bigint NOT NULL,
	"next_try_at" bigint NOT NULL,
	"failures" integer NOT NULL,
	"configuration" text,
	"configuration_until" bigint NOT NULL,
	"link_version" text,
	"basis" text
);
--> statement-breakpoint
CREATE TABLE "directory_link" (
	"superior" text NOT NULL,
	"subordinate" text NOT NULL,
	"state" text NOT NULL,
	"version" text,
	"statement" text,
	"statement_until" bigint NOT NULL,
	"listed_in" integer NOT NULL,
	CONSTRAINT "directory_link_superior_subordinate_pk" PRIMARY KEY("superior","subordinate")
);
--> statement-breakpoint
CREATE TABLE "directory_list" (
	"superior" text PRIMARY KEY NOT NULL,
	"read_at" bigint NOT NULL,
	"changed_until" bigint
);
--> statement-breakpoint
CREATE TABLE "directory_round" (
	"id" integer PRIMARY KEY NOT NULL,
	"number" integer NOT NULL,
	"holder" text NOT NULL,
	"held_until" bigint NOT NULL,
	"finished_at" bigint
);
--> statement-breakpoint
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
CREATE TABLE "former_subordinate" (
	"entity" text PRIMARY KEY NOT NULL,
	"removed_at" bigint NOT NULL
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
CREATE TABLE "request_nonce" (
	"key_id" text NOT NULL,
	"nonce" text NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "request_nonce_key_id_nonce_pk" PRIMARY KEY("key_id","nonce")
);
--> statement-breakpoint
CREATE TABLE "carried_trust_mark" (
	"type" text NOT NULL,
	"issuer" text NOT NULL,
	"text" text NOT NULL,
	"expires_at" bigint,
	CONSTRAINT "carried_trust_mark_type_issuer_pk" PRIMARY KEY("type","issuer")
);
--> statement-breakpoint
CREATE TABLE "trust_mark" (
	"digest" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"subject" text NOT NULL,
	"text" text NOT NULL,
	"issued_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"revoked_at" bigint,
	"reason" text
);
--> statement-breakpoint
DROP INDEX "record_search_first_index";--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "changed_at" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state" text DEFAULT 'active' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "entity_types" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "is_intermediate" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "formerly" jsonb;--> statement-breakpoint
CREATE INDEX "chain_archive_digest" ON "chain_archive" USING btree ("digest","log_index");--> statement-breakpoint
CREATE INDEX "chain_archive_archived_at" ON "chain_archive" USING btree ("archived_at");--> statement-breakpoint
CREATE INDEX "directory_entry_superior" ON "directory_entry" USING btree ("superior","entity");--> statement-breakpoint
CREATE INDEX "directory_link_subordinate" ON "directory_link" USING btree ("subordinate");--> statement-breakpoint
CREATE INDEX "enrolment_entity" ON "enrolment" USING btree ("entity");--> statement-breakpoint
CREATE INDEX "enrolment_expires_at" ON "enrolment" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "former_subordinate_removed_at" ON "former_subordinate" USING btree ("removed_at");--> statement-breakpoint
CREATE INDEX "request_nonce_expires_at" ON "request_nonce" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "trust_mark_type_subject" ON "trust_mark" USING btree ("type","subject");--> statement-breakpoint
CREATE INDEX "trust_mark_subject" ON "trust_mark" USING btree ("subject");--> statement-breakpoint
CREATE INDEX "subordinate_changed_at" ON "subordinate" USING btree ("changed_at");--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field","until","value");