// A person's download against the log: readings that a law delayed are shown one after another, so some may be lacking before them; of all others none may.
import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { accessEventDigest, accessTag, signAccessEvent } from "../../src/access/access-event.ts";
import { createPersonAudit } from "../../src/access/person-audit.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { commitment, type LogEntry } from "../../src/log/entry.ts";

const signer = createSigner(generateSeed());
const subject = "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60";
const keys = { open: randomBytes(32), delayed: randomBytes(32) };

/** What the audit finds in a chain of these numbers, each naming the one before it in the list. */
async function faultsOf(numbers: readonly number[], isDelayed: boolean): Promise<string[]> {
  let previous: string | undefined;
  const readings = [];
  const entries: LogEntry[] = [];
  for (const [index, number] of numbers.entries()) {
    const place = { subject, number, previous, isDelayed };
    const content = { action: "read", by: { entity: "https://tax.example" }, records: [], fields: ["name"] } as const;
    const event = await signAccessEvent({ issuer: "https://civil.example", signer, place, content, at: 1_000 });
    const salt = randomBytes(32);
    readings.push({ subject, index, event, salt: salt.toString("base64url") });
    const r = accessTag(isDelayed ? keys.delayed : keys.open, number);
    entries.push({ c: commitment("read", salt, event), e: "read", r, t: 1_000, v: 1 });
    previous = accessEventDigest(event);
  }
  const file = {
    node: "https://civil.example",
    size: entries.length,
    keys: [{ subject, tag_key: keys.open.toString("base64url") }],
    readings,
  };
  const audit = createPersonAudit(file, [signer.publicKey]);
  for (const [index, entry] of entries.entries()) audit.see(index, entry);
  return (await audit.finish()).problems.map(({ code }) => code);
}

it.each([
  ["all of them", [1, 2, 3], false, []],
  ["one that is lacking at the beginning", [2], false, ["chain_broken"]],
  ["one that is lacking in the middle", [1, 3], false, ["chain_broken"]],
  ["delayed ones, all of them", [1, 2], true, []],
  ["a delayed one whose forerunners are still kept secret", [3, 5], true, []],
  ["a delayed one that goes back", [3, 2], true, ["chain_broken"]],
] as const)("of %s", async (_what, numbers, isDelayed, codes) => {
  expect(await faultsOf(numbers, isDelayed)).toEqual(codes);
});
