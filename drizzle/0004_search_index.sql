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
ALTER TABLE "record_statistic" ADD COLUMN "label" text NOT NULL;--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field");--> statement-breakpoint
CREATE INDEX "record_registry_state" ON "record" USING btree ("registry","state","first_index") WHERE state <> 'active';