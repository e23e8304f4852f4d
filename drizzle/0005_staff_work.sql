CREATE TABLE "proposal" (
	"id" text PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"kind" text NOT NULL,
	"rid" uuid,
	"result_rid" uuid,
	"state" text NOT NULL,
	"roles" text[] NOT NULL,
	"step" integer NOT NULL,
	"proposer" text NOT NULL,
	"approvers" text[] NOT NULL,
	"definition_version" integer NOT NULL,
	"sealed_key" "bytea",
	"sealed" "bytea" NOT NULL,
	"digest" text,
	"request" text,
	"created_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"decided_at" bigint
);
--> statement-breakpoint
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
CREATE INDEX "proposal_waiting" ON "proposal" USING btree ("registry","created_at") WHERE state in ('waiting', 'carrying_out');--> statement-breakpoint
CREATE INDEX "proposal_proposer" ON "proposal" USING btree ("proposer","created_at");--> statement-breakpoint
CREATE INDEX "proposal_rid" ON "proposal" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "proposal_result_rid" ON "proposal" USING btree ("result_rid");--> statement-breakpoint
CREATE INDEX "proposal_open" ON "proposal" USING btree ("expires_at") WHERE state in ('waiting', 'returned', 'failed');--> statement-breakpoint
CREATE INDEX "proposal_decided_at" ON "proposal" USING btree ("decided_at");--> statement-breakpoint
CREATE INDEX "proposal_created_at" ON "proposal" USING btree ("created_at","id");--> statement-breakpoint
CREATE UNIQUE INDEX "proposal_digest" ON "proposal" USING btree ("digest");--> statement-breakpoint
CREATE INDEX "kept_report_checked_at" ON "kept_report" USING btree ("checked_at","id");--> statement-breakpoint
CREATE INDEX "kept_report_person" ON "kept_report" USING btree ("person","checked_at");--> statement-breakpoint
CREATE INDEX "kept_report_case_number" ON "kept_report" USING btree ("case_number");--> statement-breakpoint
CREATE INDEX "kept_report_href" ON "kept_report" USING hash ("href");