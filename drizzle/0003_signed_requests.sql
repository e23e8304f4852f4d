CREATE TABLE "request_nonce" (
	"key_id" text NOT NULL,
	"nonce" text NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "request_nonce_key_id_nonce_pk" PRIMARY KEY("key_id","nonce")
);
--> statement-breakpoint
CREATE INDEX "request_nonce_expires_at" ON "request_nonce" USING btree ("expires_at");