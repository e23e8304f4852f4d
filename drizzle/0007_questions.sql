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
CREATE INDEX "question_subject" ON "question" USING btree ("subject","asked_at");--> statement-breakpoint
CREATE INDEX "question_registry" ON "question" USING btree ("registry","answered_at","asked_at");