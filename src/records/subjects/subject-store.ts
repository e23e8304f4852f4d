// SQL that finds records by the person whom they are about. Knows no rule.
import type { Database } from "../../storage/database.ts";
import type { JurisdictionMark } from "../record-sight.ts";
import { OPEN_VERSION } from "../search/index-write-store.ts";

/** Records of a registry, erased ones not among them, whose current version has the mark; the first `limit` in the order of creation. */
export async function findRecordsOf(
  database: Database,
  { registry, mark, limit }: { registry: string; mark: JurisdictionMark; limit: number },
): Promise<string[]> {
  const rows = await database.sql<{ rid: string }[]>`
    select r.rid from record_search j join record r on r.first_index = j.first_index and r.registry = j.registry
    where j.registry = ${registry} and j.field = ${mark.field} and j.value = any(${mark.values as string[]})
      and j.until = ${OPEN_VERSION} and r.state <> 'erased'
    order by r.first_index limit ${limit}`;
  return rows.map(({ rid }) => rid);
}
