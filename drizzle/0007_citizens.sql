CREATE TABLE "citizen_session" (
	"secret_hash" text PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL,
	"seen_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "citizen_session_expires_at" ON "citizen_session" USING btree ("expires_at");