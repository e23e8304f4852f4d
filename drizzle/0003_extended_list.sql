CREATE TABLE "former_subordinate" (
	"entity" text PRIMARY KEY NOT NULL,
	"removed_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "former_subordinate_removed_at" ON "former_subordinate" USING btree ("removed_at");--> statement-breakpoint
CREATE INDEX "subordinate_changed_at" ON "subordinate" USING btree ("changed_at");