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
CREATE TABLE "open_data" (
	"registry" text NOT NULL,
	"log_size" bigint NOT NULL,
	"definition_version" integer NOT NULL,
	"manifest" text NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "open_data_registry_log_size_pk" PRIMARY KEY("registry","log_size")
);
--> statement-breakpoint
CREATE TABLE "record_index" (
	"registry" text PRIMARY KEY NOT NULL,
	"definition_version" integer NOT NULL,
	"done_index" bigint NOT NULL,
	"done" bigint NOT NULL,
	"total" bigint NOT NULL,
	"complete" boolean NOT NULL
);
--> statement-breakpoint
CREATE TABLE "record_search" (
	"registry" text NOT NULL,
	"field" text NOT NULL,
	"value" text COLLATE "C" NOT NULL,
	"until" integer NOT NULL,
	"first_index" bigint NOT NULL,
	"since" integer NOT NULL,
	CONSTRAINT "record_search_registry_field_value_until_first_index_pk" PRIMARY KEY("registry","field","value","until","first_index")
);
--> statement-breakpoint
CREATE TABLE "record_statistic" (
	"registry" text NOT NULL,
	"name" text NOT NULL,
	"cell" text NOT NULL,
	"count" bigint NOT NULL,
	"label" text NOT NULL,
	CONSTRAINT "record_statistic_registry_name_cell_pk" PRIMARY KEY("registry","name","cell")
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
ALTER TABLE "record_state" ALTER COLUMN "sealed" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_version" ALTER COLUMN "jwt" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_version" ALTER COLUMN "sealed" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "state" text NOT NULL DEFAULT 'revoked';--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "effective_at" bigint NOT NULL DEFAULT 0;--> statement-breakpoint
ALTER TABLE "record_version" ADD COLUMN "valid_from" bigint;--> statement-breakpoint
ALTER TABLE "record_version" ADD COLUMN "valid_until" bigint;--> statement-breakpoint
CREATE INDEX "attachment_hold_rid" ON "attachment_hold" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "attachment_held_created_at" ON "attachment" USING btree ("held","created_at");--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field");--> statement-breakpoint
CREATE INDEX "reference_watch_registry_state" ON "reference_watch" USING btree ("registry","state","rid");--> statement-breakpoint
CREATE INDEX "reference_watch_next_check_at" ON "reference_watch" USING btree ("next_check_at");--> statement-breakpoint
CREATE INDEX "idempotency_rid" ON "idempotency" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "record_state_erasures" ON "record_state" USING btree ("log_index") WHERE operation = 'erase';--> statement-breakpoint
CREATE INDEX "record_registry_state" ON "record" USING btree ("registry","state","first_index") WHERE state <> 'active';--> statement-breakpoint
-- What was there before: the only change of state was revoking, which holds for all time and now frees the unique values.
ALTER TABLE "record_state" ALTER COLUMN "state" DROP DEFAULT;--> statement-breakpoint
ALTER TABLE "record_state" ALTER COLUMN "effective_at" DROP DEFAULT;--> statement-breakpoint
DELETE FROM "record_key" USING "record" WHERE "record_key"."rid" = "record"."rid" AND "record"."state" = 'revoked';--> statement-breakpoint
-- Effective times stand in the tokens. A bare date is a day of UTC, the last one included.
UPDATE "record_version" SET
	"valid_from" = floor(extract(epoch FROM (claims.f || CASE WHEN length(claims.f) = 10 THEN 'T00:00:00Z' ELSE '' END)::timestamptz)),
	"valid_until" = floor(extract(epoch FROM (claims.u || CASE WHEN length(claims.u) = 10 THEN 'T00:00:00Z' ELSE '' END)::timestamptz)) + CASE WHEN length(claims.u) = 10 THEN 86400 ELSE 0 END
FROM (
	SELECT "rid", "version", payload ->> 'valid_from' AS f, payload ->> 'valid_until' AS u
	FROM "record_version", LATERAL (SELECT translate(split_part("jwt", '.', 2), '-_', '+/') AS text) part,
		LATERAL (SELECT convert_from(decode(part.text || repeat('=', (4 - length(part.text) % 4) % 4), 'base64'), 'UTF8')::json AS payload) token
) claims
WHERE "record_version"."rid" = claims."rid" AND "record_version"."version" = claims."version" AND (claims.f IS NOT NULL OR claims.u IS NOT NULL);--> statement-breakpoint
INSERT INTO "record_statistic" ("registry", "name", "cell", "count", "label") SELECT "registry", '', "state", count(*), "state" FROM "record" GROUP BY "registry", "state";--> statement-breakpoint
-- The node fills the index of these registries when it next runs.
INSERT INTO "record_index" ("registry", "definition_version", "done_index", "done", "total", "complete")
SELECT "registry"."name", "registry"."version", -1, 0, count("record"."rid"), false FROM "registry" JOIN "record" ON "record"."registry" = "registry"."name" GROUP BY 1, 2;
