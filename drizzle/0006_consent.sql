CREATE TABLE "access_event" (
	"log_index" bigint PRIMARY KEY NOT NULL,
	"subject" uuid NOT NULL,
	"is_delayed" boolean NOT NULL,
	"number" integer NOT NULL,
	"operation" text NOT NULL,
	"commitment" text NOT NULL,
	"request" text,
	"reference" text,
	"shown_from" bigint,
	"at" bigint NOT NULL,
	"sealed" "bytea" NOT NULL
);
--> statement-breakpoint
CREATE TABLE "access_receiver" (
	"consumer" text NOT NULL,
	"rid" uuid NOT NULL,
	"consent" uuid,
	"purpose" text NOT NULL,
	"log_index" bigint NOT NULL,
	"at" bigint NOT NULL,
	"noticed_at" bigint,
	"notice_attempts" integer DEFAULT 0 NOT NULL,
	"notice_after" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "access_receiver_consumer_rid_purpose_pk" PRIMARY KEY("consumer","rid","purpose")
);
--> statement-breakpoint
CREATE TABLE "access_subject" (
	"id" uuid PRIMARY KEY NOT NULL,
	"digest" text NOT NULL,
	"sealed_key" "bytea" NOT NULL,
	"sealed" "bytea" NOT NULL,
	"count" integer NOT NULL,
	"last_digest" text,
	"delayed_count" integer NOT NULL,
	"delayed_last_digest" text,
	CONSTRAINT "access_subject_digest_unique" UNIQUE("digest")
);
--> statement-breakpoint
CREATE TABLE "consent" (
	"id" uuid PRIMARY KEY NOT NULL,
	"consumer" text NOT NULL,
	"subject_digest" text NOT NULL,
	"registry" text NOT NULL,
	"purpose" text NOT NULL,
	"definition_version" integer NOT NULL,
	"state" text NOT NULL,
	"request" text NOT NULL,
	"requested_at" bigint NOT NULL,
	"starts_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL,
	"is_one_time" boolean NOT NULL,
	"used" text,
	"rids" uuid[],
	"decided_at" bigint,
	"log_index" bigint,
	"sealed_key" "bytea" NOT NULL,
	"sealed" "bytea" NOT NULL,
	CONSTRAINT "consent_request_unique" UNIQUE("request")
);
--> statement-breakpoint
CREATE TABLE "question" (
	"id" uuid PRIMARY KEY NOT NULL,
	"subject" uuid NOT NULL,
	"registry" text NOT NULL,
	"asked_at" bigint NOT NULL,
	"answered_at" bigint,
	"sealed" "bytea" NOT NULL,
	"answer" "bytea"
);
--> statement-breakpoint
CREATE TABLE "citizen_session" (
	"secret_hash" text PRIMARY KEY NOT NULL,
	"sealed" "bytea" NOT NULL,
	"seen_at" bigint NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sealing_generation" (
	"generation" integer PRIMARY KEY NOT NULL,
	"fingerprint" text NOT NULL,
	"began_at" bigint NOT NULL,
	"completed_at" bigint
);
--> statement-breakpoint
CREATE TABLE "sealing_progress" (
	"generation" integer NOT NULL,
	"part" text NOT NULL,
	"registry" text NOT NULL,
	"position" text NOT NULL,
	"done" bigint NOT NULL,
	"total" bigint NOT NULL,
	"complete" boolean NOT NULL,
	CONSTRAINT "sealing_progress_generation_part_registry_pk" PRIMARY KEY("generation","part","registry")
);
--> statement-breakpoint
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
CREATE TABLE "erasure_notice" (
	"href" text PRIMARY KEY NOT NULL,
	"home" text NOT NULL,
	"erased_at" bigint NOT NULL,
	"received_at" bigint NOT NULL,
	"statement" text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "access_event_chain" ON "access_event" USING btree ("subject","is_delayed","number");--> statement-breakpoint
CREATE UNIQUE INDEX "access_event_request" ON "access_event" USING btree ("request") WHERE request is not null;--> statement-breakpoint
CREATE INDEX "access_event_commitment" ON "access_event" USING hash ("commitment");--> statement-breakpoint
CREATE INDEX "access_event_reference" ON "access_event" USING hash ("reference") WHERE reference is not null;--> statement-breakpoint
CREATE INDEX "access_event_subject_at" ON "access_event" USING btree ("subject","at");--> statement-breakpoint
CREATE INDEX "access_receiver_rid" ON "access_receiver" USING btree ("rid");--> statement-breakpoint
CREATE INDEX "consent_subject" ON "consent" USING btree ("subject_digest","requested_at");--> statement-breakpoint
CREATE INDEX "consent_consumer" ON "consent" USING btree ("consumer","requested_at");--> statement-breakpoint
CREATE INDEX "question_subject" ON "question" USING btree ("subject","asked_at");--> statement-breakpoint
CREATE INDEX "question_registry" ON "question" USING btree ("registry","answered_at","asked_at");--> statement-breakpoint
CREATE INDEX "citizen_session_expires_at" ON "citizen_session" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "asked_consent_asked_at" ON "asked_consent" USING btree ("asked_at","id");--> statement-breakpoint
CREATE INDEX "asked_consent_case_number" ON "asked_consent" USING btree ("case_number");--> statement-breakpoint
CREATE INDEX "asked_consent_expires_at" ON "asked_consent" USING btree ("expires_at");