CREATE TABLE "proposal" (
	"id" text PRIMARY KEY NOT NULL,
	"registry" text NOT NULL,
	"kind" text NOT NULL,
	"rid" uuid,
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
CREATE INDEX "proposal_waiting" ON "proposal" USING btree ("registry","created_at") WHERE state in ('waiting', 'carrying_out');--> statement-breakpoint
CREATE INDEX "proposal_proposer" ON "proposal" USING btree ("proposer","created_at");--> statement-breakpoint
CREATE INDEX "proposal_rid" ON "proposal" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "proposal_expires_at" ON "proposal" USING btree ("expires_at");--> statement-breakpoint
CREATE UNIQUE INDEX "proposal_digest" ON "proposal" USING btree ("digest");