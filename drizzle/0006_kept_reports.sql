CREATE TABLE "kept_report" (
	"id" text PRIMARY KEY NOT NULL,
	"person" text NOT NULL,
	"person_name" text NOT NULL,
	"role" text NOT NULL,
	"case_number" text,
	"purpose" text,
	"href" text NOT NULL,
	"version" bigint,
	"verdict" text NOT NULL,
	"outcome" text NOT NULL,
	"checked_at" bigint NOT NULL,
	"report" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "kept_report_checked_at" ON "kept_report" USING btree ("checked_at","id");--> statement-breakpoint
CREATE INDEX "kept_report_person" ON "kept_report" USING btree ("person","checked_at");--> statement-breakpoint
CREATE INDEX "kept_report_case_number" ON "kept_report" USING btree ("case_number");--> statement-breakpoint
CREATE INDEX "kept_report_href" ON "kept_report" USING hash ("href");