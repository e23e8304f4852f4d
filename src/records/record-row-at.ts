// Finds the version and state of a record that hold at a pair of times. Knows nobody who asks.
import { formatSeconds } from "../clock.ts";
import { AttestryError } from "../errors.ts";
import type { Database } from "../storage/database.ts";
import * as store from "./record-store.ts";
import { findChangeAt, findVersionAt, type TimeCoordinates } from "./record-timeline.ts";

/** Throws `record_unknown`, `record_erased`, `not_in_effect`. */
export async function getRowAt(
  database: Database,
  { registry, rid }: { registry: string; rid: string },
  at: TimeCoordinates,
): Promise<store.RecordRow> {
  const record = await store.getHead(database, { registry, rid });
  if (record.state === "erased") throw store.recordErased();
  const [periods, changes] = await Promise.all([store.listPeriods(database, rid), store.listChanges(database, rid)]);
  const { asOf, validAt } = at;
  if (!findVersionAt(periods, { asOf, validAt: undefined })) {
    const earliest = formatSeconds(periods[0]!.recordedAt);
    throw new AttestryError(
      "record_unknown",
      `the record was not recorded yet as of ${asOf!.text}; it was on ${earliest}`,
    );
  }
  const period = findVersionAt(periods, at);
  if (!period) {
    throw new AttestryError(
      "not_in_effect",
      `no version of the record was in effect on ${validAt!.text}; its history says from when until when each is`,
    );
  }
  const change = findChangeAt(changes, at);
  const [row, statements] = await Promise.all([
    store.getRecord(database, { registry, rid, version: period.version }),
    store.findStatements(database, { rid, numbers: change ? [change.number] : [] }),
  ]);
  return {
    ...row,
    change: change && statements.get(change.number),
    at,
  };
}
