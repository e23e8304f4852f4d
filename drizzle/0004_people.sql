CREATE TABLE "session" (
	"secret_hash" text PRIMARY KEY NOT NULL,
	"id" text NOT NULL,
	"issuer" text NOT NULL,
	"subject" text NOT NULL,
	"name" text NOT NULL,
	"roles" jsonb NOT NULL,
	"role" text NOT NULL,
	"claims" jsonb NOT NULL,
	"created_at" bigint NOT NULL,
	"seen_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"ended_at" bigint,
	CONSTRAINT "session_id_unique" UNIQUE("id")
);
--> statement-breakpoint
ALTER TABLE "staff_token" ADD COLUMN "claims" jsonb;--> statement-breakpoint
CREATE INDEX "session_expires_at" ON "session" USING btree ("expires_at");