CREATE TABLE "asked_consent" (
	"id" text PRIMARY KEY NOT NULL,
	"home" text NOT NULL,
	"href" text NOT NULL,
	"registry" text NOT NULL,
	"purpose" text NOT NULL,
	"requested_fields" text[] NOT NULL,
	"fields" text[] NOT NULL,
	"case_number" text,
	"person" text NOT NULL,
	"person_name" text NOT NULL,
	"role" text NOT NULL,
	"state" text NOT NULL,
	"is_one_time" boolean NOT NULL,
	"is_used" boolean NOT NULL,
	"requested_at" bigint NOT NULL,
	"starts_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"asked_at" bigint NOT NULL,
	"read_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "asked_consent_asked_at" ON "asked_consent" USING btree ("asked_at","id");--> statement-breakpoint
CREATE INDEX "asked_consent_case_number" ON "asked_consent" USING btree ("case_number");--> statement-breakpoint
CREATE INDEX "asked_consent_expires_at" ON "asked_consent" USING btree ("expires_at");