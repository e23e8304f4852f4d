CREATE TABLE "subordinate" (
	"entity" text PRIMARY KEY NOT NULL,
	"jwks" jsonb NOT NULL,
	"registry_types" text[] NOT NULL,
	"max_path_length" integer,
	"accepted_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "staff_token" (
	"id" text PRIMARY KEY NOT NULL,
	"secret_hash" text NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"registries" text[],
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"revoked_at" bigint
);
--> statement-breakpoint
CREATE TABLE "log_entry" (
	"log" text NOT NULL,
	"index" bigint NOT NULL,
	"tag" "bytea" NOT NULL,
	"leaf_hash" "bytea" NOT NULL,
	"entry" "bytea" NOT NULL,
	CONSTRAINT "log_entry_log_index_pk" PRIMARY KEY("log","index"),
	CONSTRAINT "log_entry_tag_unique" UNIQUE("log","tag")
);
--> statement-breakpoint
CREATE TABLE "log_state" (
	"name" text PRIMARY KEY NOT NULL,
	"origin" text NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"checkpoint" text NOT NULL,
	"signed_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "log_tile" (
	"log" text NOT NULL,
	"level" smallint NOT NULL,
	"index" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"hashes" "bytea" NOT NULL,
	CONSTRAINT "log_tile_log_level_index_pk" PRIMARY KEY("log","level","index")
);
--> statement-breakpoint
CREATE TABLE "counter" (
	"name" text PRIMARY KEY NOT NULL,
	"next" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "idempotency" (
	"digest" text PRIMARY KEY NOT NULL,
	"request" text NOT NULL,
	"rid" uuid NOT NULL,
	"version" integer NOT NULL,
	"created_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "record_key" (
	"digest" text PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"name" text NOT NULL,
	"rid" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "record_state" (
	"rid" uuid NOT NULL,
	"number" integer NOT NULL,
	"operation" text NOT NULL,
	"statement" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"log_index" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	CONSTRAINT "record_state_rid_number_pk" PRIMARY KEY("rid","number")
);
--> statement-breakpoint
CREATE TABLE "record" (
	"rid" uuid PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"identifier" text,
	"state" text NOT NULL,
	"version" integer NOT NULL,
	"state_number" integer NOT NULL,
	"sealed_key" "bytea",
	"first_index" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "record_version" (
	"rid" uuid NOT NULL,
	"version" integer NOT NULL,
	"definition_version" integer NOT NULL,
	"jwt" text NOT NULL,
	"sealed" "bytea" NOT NULL,
	"status_list" integer NOT NULL,
	"status_index" integer NOT NULL,
	"log_index" bigint NOT NULL,
	"recorded_at" bigint NOT NULL,
	CONSTRAINT "record_version_rid_version_pk" PRIMARY KEY("rid","version")
);
--> statement-breakpoint
CREATE TABLE "status_value" (
	"list" integer NOT NULL,
	"index" integer NOT NULL,
	"value" smallint NOT NULL,
	CONSTRAINT "status_value_list_index_pk" PRIMARY KEY("list","index")
);
--> statement-breakpoint
CREATE TABLE "registry_definition" (
	"registry" text NOT NULL,
	"version" integer NOT NULL,
	"text" text NOT NULL,
	"log_index" bigint NOT NULL,
	"published_at" bigint NOT NULL,
	CONSTRAINT "registry_definition_registry_version_pk" PRIMARY KEY("registry","version")
);
--> statement-breakpoint
CREATE TABLE "registry" (
	"name" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"version" integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX "idempotency_created_at" ON "idempotency" USING btree ("created_at");--> statement-breakpoint
CREATE INDEX "record_key_rid" ON "record_key" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "record_registry_first_index" ON "record" USING btree ("registry","first_index");