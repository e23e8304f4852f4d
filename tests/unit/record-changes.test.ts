// What changed between two versions, as people are told it.
import { expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { findChanges } from "../../src/records/record-changes.ts";

const version = (data: JsonObject) => ({ data, validFrom: undefined, validUntil: undefined });
const changesOf = (before: JsonObject, after: JsonObject) =>
  findChanges(version(before), version(after), (path) => path.join(" "));
const scan = { digest: "a", mediaType: "application/pdf", bytes: 125, href: "https://lgd.example/a" };
const newScan = { ...scan, digest: "b", href: "https://lgd.example/b" };

it("objects change member by member", () => {
  expect(changesOf({ address: { city: "A", street: "S" } }, { address: { city: "B", street: "S" } })).toEqual([
    { field: "/data/address/city", label: "address city", before: "A", after: "B" },
  ]);
});

it("a file is one change: where it comes, goes or is exchanged", () => {
  const change = { field: "/data/scan", label: "scan" };
  expect(changesOf({}, { scan })).toEqual([{ ...change, after: scan }]);
  expect(changesOf({ scan }, { scan: newScan })).toEqual([{ ...change, before: scan, after: newScan }]);
  expect(changesOf({ scan }, {})).toEqual([{ ...change, before: scan }]);
  expect(changesOf({ scan }, { scan })).toEqual([]);
});
