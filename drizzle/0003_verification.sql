CREATE TABLE "answer_budget" (
	"digest" text PRIMARY KEY NOT NULL,
	"window_start" bigint NOT NULL,
	"used" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "status_token" (
	"list" integer PRIMARY KEY NOT NULL,
	"token" text NOT NULL,
	"kid" text NOT NULL,
	"values_index" bigint NOT NULL,
	"log_index" bigint NOT NULL,
	"signed_at" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "status_value" ADD COLUMN "log_index" bigint DEFAULT -1 NOT NULL;--> statement-breakpoint
CREATE INDEX "answer_budget_window_start" ON "answer_budget" USING btree ("window_start");--> statement-breakpoint
CREATE INDEX "status_value_log_index" ON "status_value" USING btree ("list","log_index");