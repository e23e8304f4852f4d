// Entries, commitments and tags as DESIGN §6 defines them, and the refusal of everything else.
import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import { canonicalJson, type JsonObject, parseJson } from "../../src/crypto/json.ts";
import {
  commitment,
  formatEntry,
  LOG_OPERATIONS,
  type LogEntry,
  parseEntry,
  randomTag,
  stateTag,
  versionTag,
  ZERO_SALT,
} from "../../src/log/entry.ts";
import { caughtCode } from "../caught-code.ts";

const k = new Uint8Array(32).fill(3);
const salt = new Uint8Array(32).fill(5);
const entry: LogEntry = {
  c: commitment("create", salt, "a.b.c"),
  e: "create",
  r: versionTag(k, 1),
  t: 1_790_000_000,
  v: 1,
};
const text = new TextDecoder().decode(formatEntry(entry));

describe("a log entry", () => {
  it("is the canonical JSON of c, e, r, t, v for every operation, and read back without change", () => {
    for (const e of LOG_OPERATIONS) {
      for (const t of [0, 1_790_000_000, Number.MAX_SAFE_INTEGER]) {
        const bytes = formatEntry({ ...entry, e, t });
        expect(new TextDecoder().decode(bytes)).toBe(canonicalJson({ ...entry, e, t }));
        expect(parseEntry(bytes)).toEqual({ ...entry, e, t });
      }
    }
    expect(LOG_OPERATIONS).toHaveLength(15);
  });

  const members = parseJson(text) as JsonObject;
  const with_ = (change: JsonObject) => canonicalJson({ ...members, ...change });
  it.each([
    ["a space", text.replace(",", ", ")],
    ["a newline at the end", `${text}\n`],
    ["members in another order", `{"e":"create",${text.slice(1).replace('"e":"create",', "")}`],
    ["a duplicate member", text.replace('"t":', '"t":1,"t":')],
    ["another member", with_({ w: 1 })],
    ["a member missing", text.replace(/"r":"[^"]*",/, "")],
    ["an unknown operation", with_({ e: "delete" })],
    ["the operation written with an escape", text.replace("create", "\\u0063reate")],
    ["version 2", with_({ v: 2 })],
    ["a fractional time", with_({ t: 1.5 })],
    ["a negative time", with_({ t: -1 })],
    ["a time with an exponent", text.replace("1790000000", "179e7")],
    ["a time with a leading zero", text.replace("1790000000", "01790000000")],
    ["a time beyond 2^53-1", text.replace("1790000000", "9007199254740992")],
    ["a tag of 31 bytes", with_({ r: "A".repeat(42) })],
    ["a tag with slack bits", with_({ r: `${"A".repeat(42)}B` })],
    ["a commitment with slack bits", with_({ c: `${"A".repeat(42)}B` })],
    ["a commitment in standard base64", with_({ c: `${"+".repeat(42)}A` })],
    ["a byte order mark", `\ufeff${text}`],
    ["nothing", ""],
  ])("is refused with %s", (_, bad) => {
    expect(bad).not.toBe(text);
    expect(caughtCode(() => parseEntry(encodeUtf8(bad)))).toBe("log_entry_invalid");
  });

  it("is refused as ill-formed UTF-8", () => {
    expect(caughtCode(() => parseEntry(Uint8Array.of(0x7b, 0xff)))).toBe("log_entry_invalid");
  });

  it("is not written in a form that would be refused", () => {
    for (const bad of [
      { t: 1.5 },
      { t: Number.NaN },
      { r: "short" },
      { c: '","e":"create' },
      { e: "delete" as never },
    ]) {
      expect(caughtCode(() => formatEntry({ ...entry, ...bad }))).toBe("log_entry_invalid");
    }
  });
});

describe("commitments and tags", () => {
  it("are the formulas of DESIGN §6", () => {
    const hash = createHash("sha256").update("attestry/amend/v1\n").update(salt).update("a.b.c").digest("base64url");
    expect(commitment("amend", salt, "a.b.c")).toBe(hash);
    const hmac = (message: string) => createHmac("sha256", k).update(message).digest("base64url");
    expect(versionTag(k, 12)).toBe(hmac("attestry/tag/v1\nversion\n12"));
    expect(stateTag(k, 12)).toBe(hmac("attestry/tag/v1\nstate\n12"));
    expect(randomTag(salt)).toBe(Buffer.from(salt).toString("base64url"));
  });

  it("differ by operation, salt, object, key, kind and number", () => {
    const commitments = [
      commitment("create", salt, "a"),
      commitment("amend", salt, "a"),
      commitment("create", ZERO_SALT, "a"),
      commitment("create", salt, "b"),
    ];
    const tags = [versionTag(k, 1), versionTag(k, 2), stateTag(k, 1), versionTag(salt, 1), randomTag(k)];
    expect(new Set([...commitments, ...tags]).size).toBe(9);
  });

  it("are not made with a salt, key or tag of another length, nor for version 0", () => {
    const short = salt.slice(1);
    for (const run of [
      () => commitment("create", short, "a"),
      () => versionTag(short, 1),
      () => stateTag(short, 1),
      () => randomTag(short),
      () => versionTag(k, 0),
      () => stateTag(k, 1.5),
    ]) {
      expect(caughtCode(run)).toBe("log_entry_invalid");
    }
  });
});
