CREATE TABLE "directory_entry" (
	"entity" text PRIMARY KEY NOT NULL,
	"path" text[] NOT NULL,
	"superior" text,
	"organization_name" text,
	"registry_types" text[] NOT NULL,
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
CREATE INDEX "directory_entry_superior" ON "directory_entry" USING btree ("superior","entity");--> statement-breakpoint
CREATE INDEX "directory_link_subordinate" ON "directory_link" USING btree ("subordinate");