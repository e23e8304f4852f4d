CREATE TABLE "record_search" (
	"registry" text NOT NULL,
	"field" text NOT NULL,
	"value" text COLLATE "C" NOT NULL,
	"rid" uuid NOT NULL,
	"since" integer NOT NULL,
	"until" integer,
	CONSTRAINT "record_search_registry_field_value_rid_since_pk" PRIMARY KEY("registry","field","value","rid","since")
);
--> statement-breakpoint
CREATE TABLE "record_statistic" (
	"registry" text NOT NULL,
	"name" text NOT NULL,
	"cell" text NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "record_statistic_registry_name_cell_pk" PRIMARY KEY("registry","name","cell")
);
--> statement-breakpoint
ALTER TABLE "record_state" ALTER COLUMN "sealed" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_version" ALTER COLUMN "jwt" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_version" ALTER COLUMN "sealed" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "state" text NOT NULL;--> statement-breakpoint
ALTER TABLE "record_state" ADD COLUMN "effective_at" bigint NOT NULL;--> statement-breakpoint
ALTER TABLE "record_version" ADD COLUMN "valid_from" bigint;--> statement-breakpoint
ALTER TABLE "record_version" ADD COLUMN "valid_until" bigint;--> statement-breakpoint
CREATE INDEX "record_search_rid" ON "record_search" USING btree ("rid");