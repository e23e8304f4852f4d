ALTER TABLE "subordinate" ADD COLUMN "changed_at" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state" text DEFAULT 'active' NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "state_reason" text;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "is_intermediate" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "subordinate" ADD COLUMN "formerly" jsonb;