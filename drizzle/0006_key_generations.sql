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
