DROP INDEX "record_search_first_index";--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "changed_at" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state" text DEFAULT 'active' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "entity_types" text[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "is_intermediate" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "formerly" jsonb;--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field","until","value");