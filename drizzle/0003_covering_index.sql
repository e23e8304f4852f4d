DROP INDEX "record_search_first_index";--> statement-breakpoint
CREATE INDEX "record_search_first_index" ON "record_search" USING btree ("first_index","field","until","value");