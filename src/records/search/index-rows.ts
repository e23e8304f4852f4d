// Makes the rows of a stored record in the index anew, out of all its versions. Stores nothing.
import type { JsonObject } from "../../crypto/json.ts";
import type { KeyGenerations } from "../../crypto/key-generations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RecordSealer } from "../record-sealer.ts";
import { openSecrets, readClaims, readFullData } from "../record-view.ts";
import type { RowReplacement } from "./index-row-store.ts";
import type { RecordToIndex } from "./index-store.ts";
import { OPEN_VERSION } from "./index-write-store.ts";
import { EMPTY_INDEX, indexRecord, indexRows, rowKey } from "./record-index.ts";

/** The rows that a record has under a definition, of all its versions. */
export function makeRows(options: {
  sealer: RecordSealer;
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  record: RecordToIndex;
}): RowReplacement {
  const { sealer, searchKey, compiled, record } = options;
  const labels = new Map<string, string>();
  const rows: RowReplacement["rows"][number][] = [];
  const open = new Map<string, { field: string; value: string; since: number }>();
  const close = (key: string, until: number): void => {
    rows.push({ ...open.get(key)!, until });
    open.delete(key);
  };
  for (const version of record.versions) {
    const read = readIndexedData(sealer, record, version);
    const index = read ? indexRecord({ searchKey, compiled, ...read, identifier: undefined, keys: [] }) : EMPTY_INDEX;
    for (const { name, cell, label } of index.cells) labels.set(`${name}\n${cell}`, label);
    const wanted = new Map(indexRows(index).map((row) => [rowKey(row), row]));
    for (const key of [...open.keys()]) if (!wanted.has(key)) close(key, version.version);
    for (const [key, row] of wanted) if (!open.has(key)) open.set(key, { ...row, since: version.version });
  }
  for (const key of [...open.keys()]) close(key, OPEN_VERSION);
  return { rid: record.rid, registry: compiled.definition.name, isActive: record.state === "active", rows, labels };
}

/** What a version says, and what of it stands open; undefined once it is erased. */
export function readIndexedData(
  sealer: RecordSealer,
  { rid, sealedKey }: Pick<RecordToIndex, "rid" | "sealedKey">,
  { version, jwt, sealed }: RecordToIndex["versions"][number],
): { data: JsonObject; open: JsonObject } | undefined {
  if (jwt === null || sealed === null || sealedKey === null) return undefined;
  const { disclosures } = openSecrets(sealer, { record: { rid, sealedKey }, version: { version, sealed } }).secrets;
  const open = (readClaims(jwt, () => []).claims.data ?? {}) as JsonObject;
  return { data: readFullData(jwt, disclosures), open };
}
