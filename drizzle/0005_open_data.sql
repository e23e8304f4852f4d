CREATE TABLE "open_data" (
	"registry" text NOT NULL,
	"log_size" bigint NOT NULL,
	"definition_version" integer NOT NULL,
	"manifest" text NOT NULL,
	"created_at" bigint NOT NULL,
	CONSTRAINT "open_data_registry_log_size_pk" PRIMARY KEY("registry","log_size")
);
