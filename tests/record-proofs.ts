// What tests look up behind the API of a test node: statuses of versions, entries of the log, and whether all of it audits. Test code only.
import { expect } from "vitest";
import { auditLog } from "../src/log/audit.ts";
import { type LogEntry, parseEntry } from "../src/log/entry.ts";
import { formatVerifierKey, parseVerifierKey } from "../src/log/note.ts";
import type { TestNode } from "./node-fixture.ts";

/** The values that the status lists have for a record's versions, from version 1 on. */
export async function statusesOf(node: TestNode, rid: unknown): Promise<number[]> {
  const rows = await node.database.database.sql<{ value: number }[]>`
    select coalesce(s.value, 0)::int as value from record_version v
    left join status_value s on s.list = v.status_list and s.index = v.status_index
    where v.rid = ${String(rid)} order by v.version`;
  return rows.map(({ value }) => value);
}

/** The last entries of the node's log, oldest first. */
export async function lastEntries(node: TestNode, count: number): Promise<LogEntry[]> {
  const rows = await node.database.database.sql<{ entry: Uint8Array }[]>`
    select entry from log_entry where log = 'records' order by index desc limit ${count}`;
  return rows.map(({ entry }) => parseEntry(entry)).reverse();
}

/** Verifies the whole log over HTTP, as anybody could. Gives its size. */
export async function expectSoundLog(node: TestNode): Promise<number> {
  const origin = `${node.entity.replace("http://", "")}/log/records`;
  const verifiers = [
    parseVerifierKey(formatVerifierKey({ name: origin, raw: node.secrets.signers.log.publicKey.raw })),
  ];
  const fetchBytes = async (path: string) => {
    const response = await fetch(`${node.entity}/log/records/${path}`);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  };
  const checkpoint = async () => Buffer.from((await fetchBytes("checkpoint"))!).toString();
  const report = await auditLog({ checkpoint, tile: fetchBytes, bundle: fetchBytes }, { origin, verifiers });
  expect(report.ok, JSON.stringify(report)).toBe(true);
  return report.tree!.size;
}
