DROP TABLE "staff_token" CASCADE;--> statement-breakpoint
DROP TABLE "log_bundle" CASCADE;--> statement-breakpoint
DROP TABLE "log_entry" CASCADE;--> statement-breakpoint
DROP TABLE "log_state" CASCADE;--> statement-breakpoint
DROP TABLE "log_tile" CASCADE;--> statement-breakpoint
DROP TABLE "counter" CASCADE;--> statement-breakpoint
DROP TABLE "idempotency" CASCADE;--> statement-breakpoint
DROP TABLE "record_key" CASCADE;--> statement-breakpoint
DROP TABLE "record_state" CASCADE;--> statement-breakpoint
DROP TABLE "record" CASCADE;--> statement-breakpoint
DROP TABLE "record_version" CASCADE;--> statement-breakpoint
DROP TABLE "status_value" CASCADE;--> statement-breakpoint
DROP TABLE "registry_definition" CASCADE;--> statement-breakpoint
DROP TABLE "registry" CASCADE;