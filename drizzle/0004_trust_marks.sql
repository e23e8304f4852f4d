CREATE TABLE "carried_trust_mark" (
	"type" text NOT NULL,
	"issuer" text NOT NULL,
	"text" text NOT NULL,
	"expires_at" bigint,
	CONSTRAINT "carried_trust_mark_type_issuer_pk" PRIMARY KEY("type","issuer")
);
--> statement-breakpoint
CREATE TABLE "trust_mark" (
	"digest" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"subject" text NOT NULL,
	"text" text NOT NULL,
	"issued_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"revoked_at" bigint,
	"reason" text
);
--> statement-breakpoint
CREATE INDEX "trust_mark_type_subject" ON "trust_mark" USING btree ("type","subject");--> statement-breakpoint
CREATE INDEX "trust_mark_subject" ON "trust_mark" USING btree ("subject");