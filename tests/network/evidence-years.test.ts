// Evidence that a real node handed out as a file, judged offline, then and years later: each case of a record's life has its one right answer. Only the clock is faked.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws, signJws } from "../../src/crypto/jws.ts";
import { addKey, reportKey } from "../../src/crypto/key-ring.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import { parseKeyRings, replaceKeyRings } from "../../src/secrets.ts";
import type { CheckName, VerifierPolicy } from "../../src/verification/policy.ts";
import { parseVerifierPolicy } from "../../src/verification/policy-file.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const TYPES = ["districts"];

let offset = 0;
const clock = (): number => Math.floor(Date.now() / 1_000) + offset;
let anchor: TestNode;
let home: TestNode;
let codes = 0;

/** A file as it was given out, with the moment at which that was. */
interface Kept {
  readonly text: string;
  readonly at: number;
}

beforeAll(async () => {
  anchor = await startTestNode({ clock });
  home = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(TYPES)], path: "/lgd", clock });
  await anchor.node.federation.acceptSubordinate({ entity: home.entity, registryTypes: TYPES });
  expect((await home.publish(definition("districts"))).status).toBe(201);
  await home.node.chainArchive.archive();
});

afterAll(async () => {
  for (const node of [home, anchor]) await node?.close();
});

const registrar = () => home.token("registrar", { seconds: offset + DAY });
const pathOf = (href: string) => href.slice(home.entity.length);

async function create(): Promise<string> {
  const json = { data: { code: String(++codes), name: "Nicobars" } };
  const answer = await home.request("POST", "/registries/districts/records", { token: await registrar(), json });
  expect(answer.status, answer.text).toBe(201);
  return String(answer.body.href);
}

/** The evidence file as an agency would keep it, once the node has signed what happened last. */
async function keep(href: string, version?: number): Promise<Kept> {
  offset += 10;
  // As the node's own job does, which counts by the true clock.
  await home.node.ownChain.renew();
  const query = version === undefined ? "" : `?version=${version}`;
  const { status, text } = await home.request("GET", `${pathOf(href)}/evidence${query}`);
  expect(status, text).toBe(200);
  return { text, at: clock() };
}

function partsOf({ text }: Kept): JsonObject {
  return JSON.parse(text) as JsonObject;
}

/** The verdict and the first required check that did not pass by itself, by a fresh verifier that has nothing but the pin. */
async function judge(text: string, now: number, policy: Partial<VerifierPolicy> = {}): Promise<string> {
  const verifier = createVerifier(
    parseVerifierPolicy({ anchors: [anchor.pin(TYPES)], statusMaxAgeSeconds: 300, ...policy }),
  );
  const { verdict, required, checks } = await verifier.verifyText(text, { now });
  const fault = checks.find(
    ({ check, result, code }) => required.includes(check) && result !== "pass" && code !== "prerequisite_failed",
  );
  return fault ? `${verdict} ${fault.check} ${fault.code}` : verdict;
}

/** Whoever gets an old file from somebody else: the statements of then, without a word on today's state. */
const AS_IT_WAS: Partial<VerifierPolicy> = {
  allowArchivedChain: true,
  required: ["format", "signature", "issuer", "authority", "schema", "inclusion"],
};

async function codeOf(kept: Kept, check: CheckName, policy: Partial<VerifierPolicy> = {}, now = kept.at) {
  const verifier = createVerifier({ anchors: [anchor.pin(TYPES)], statusMaxAgeSeconds: 300, ...policy });
  return (await verifier.verifyText(kept.text, { now })).checks.find((one) => one.check === check)!.code;
}

describe("evidence kept as a file", () => {
  it("of version 1 is valid until an amendment, and superseded after it unless that version was asked for", async () => {
    const href = await create();
    const before = await keep(href);
    expect(await judge(before.text, before.at)).toBe("valid");
    const amended = await home.request("PATCH", pathOf(href), {
      token: await registrar(),
      json: { data: { name: "Nicobar" } },
      headers: { "if-match": '"1.0"' },
    });
    expect(amended.status, amended.text).toBe(200);
    const after = await keep(href, 1);
    expect(await judge(after.text, after.at)).toBe("invalid status status_superseded");
    expect(await judge(after.text, after.at, { expected: { version: 1 } })).toBe("valid");
    expect(await judge(after.text, after.at, { allowSuperseded: true })).toBe("valid");
    expect(await judge(after.text, after.at, { expected: { version: 2 } })).toBe("invalid format version_mismatch");
    const second = await keep(href);
    expect(await judge(second.text, second.at)).toBe("valid");
    // The old file says nothing of today: it is too old by its list, and still true as of then.
    expect(await judge(before.text, before.at + 301)).toBe("undecided status status_stale");
    expect(await judge(before.text, before.at)).toBe("valid");
    // A list is what a policy's age says: one from before the amendment counts until then, one from after it at once.
    expect(await judge(before.text, second.at)).toBe("valid");
    expect(await judge(JSON.stringify({ ...partsOf(before), status: partsOf(after).status! }), after.at)).toBe(
      "invalid status status_superseded",
    );
  });

  it("is not fooled by what came later: no list, statement or revocation of afterwards counts as of then", async () => {
    const href = await create();
    const then = await keep(href);
    offset += 10 * 60;
    const revoked = await home.request("POST", `${pathOf(href)}/revoke`, { token: await registrar() });
    expect(revoked.status, revoked.text).toBe(200);
    const later = await keep(href);
    expect(await judge(then.text, then.at)).toBe("valid");
    expect(await judge(later.text, later.at)).toBe("invalid status status_revoked");
    // A list from after the moment asked for could have been made for the occasion.
    const revived = { ...partsOf(then), status: partsOf(later).status! };
    expect(await judge(JSON.stringify(revived), then.at)).toBe("invalid status status_issued_in_future");
    offset += 2 * HOUR;
    const fresh = await keep(await create());
    const chained = { ...partsOf(then), chain: partsOf(fresh).chain! };
    expect(await judge(JSON.stringify(chained), then.at)).toBe("undecided issuer chain_expired");
    const archived = { ...partsOf(then), chain: [], archive: { chain: partsOf(fresh).chain, receipt: "x" } };
    expect(await judge(JSON.stringify(archived), then.at, AS_IT_WAS)).toBe("invalid issuer chain_invalid");
  });

  it("of a record issued before a rotation is valid after it, and the file of before as of then", async () => {
    const href = await create();
    const before = await keep(href);
    const old = decodeJws(String(partsOf(before).token).split("~")[0]!).header.kid;
    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      const record = addKey(rings.record, { now: clock(), signsFrom: clock() + 1, keepsRetired: true });
      return replaceKeyRings(unlocked, { ...rings, record });
    });
    offset += YEAR;
    home.secrets.followKeys(clock());
    const after = await keep(href);
    const fresh = await keep(await create());
    expect(decodeJws(String(partsOf(fresh).token).split("~")[0]!).header.kid).not.toBe(old);
    expect(await judge(after.text, after.at)).toBe("valid");
    expect(await judge(fresh.text, fresh.at)).toBe("valid");
    expect(await judge(before.text, before.at)).toBe("valid");
    // Without the year's statements, the archived ones stand for those of then, where a policy takes that.
    expect(await judge(before.text, clock())).toBe("undecided issuer chain_expired");
    expect(await judge(before.text, clock(), AS_IT_WAS)).toBe("valid");
    expect(await codeOf(before, "issuer", AS_IT_WAS, clock())).toBe("passed_by_archive");
  });

  it("of a record whose key was reported is valid where the log had it before the theft, and not where it came later", async () => {
    const before = await create();
    const beforeReport = await keep(before);
    offset += 600;
    const since = clock();
    offset += 60;
    const after = await create();
    // The thief dates back the record and its entry.
    offset -= 6 * HOUR;
    const backdated = await create();
    offset += 6 * HOUR + 60;
    const stolen: Signer = home.secrets.signers.record;
    const unreported = await keep(backdated);
    expect(await judge(unreported.text, unreported.at)).toBe("valid");

    const logSize = await home.node.reader.sizeBefore(since);
    await home.restart((unlocked) => {
      const rings = parseKeyRings(unlocked);
      const report = { since, reportedAt: clock(), logSize };
      const record = reportKey(rings.record, { kid: stolen.publicKey.kid, report, keepsRetired: true });
      return replaceKeyRings(unlocked, { ...rings, record });
    });
    await home.node.keyHistory.recordEvents();
    offset += HOUR + 5;
    const [good, late, dated] = [await keep(before), await keep(after), await keep(backdated)];
    expect(await judge(good.text, good.at)).toBe("valid");
    expect(await codeOf(good, "signature")).toBe("passed_before_report");
    expect(await judge(late.text, late.at)).toBe("invalid signature key_compromised");
    expect(await judge(dated.text, dated.at)).toBe("invalid signature key_compromised");
    expect(await judge(beforeReport.text, beforeReport.at)).toBe("valid");
    // Years later the report still counts, from the statements that came with the file.
    const years = clock() + 5 * YEAR;
    expect(await judge(good.text, years, AS_IT_WAS)).toBe("valid");
    expect(await judge(late.text, years, AS_IT_WAS)).toBe("invalid signature key_compromised");

    // A thief without the log dates back whatever it likes and borrows an honest record's proofs.
    const { payload } = decodeJws(String(partsOf(good).token).split("~")[0]!);
    const forged = await signJws({
      signer: stolen,
      typ: "dc+sd-jwt",
      payload: { ...payload, iat: since - YEAR, data: { code: "1", name: "Elsewhere" } },
    });
    const borrowed = JSON.stringify({ ...partsOf(good), token: formatSdJwt(forged, []) });
    expect(await judge(borrowed, good.at)).toBe("invalid signature key_compromised");
    expect(await judge(borrowed, good.at, { required: ["format", "signature", "issuer"] })).toBe(
      "invalid signature key_compromised",
    );
    const untold = JSON.stringify({ ...partsOf(beforeReport), token: formatSdJwt(forged, []) });
    expect(await judge(untold, beforeReport.at)).toBe("invalid inclusion commitment_mismatch");
  });

  it("with its wrapper stripped is not valid, and where nothing is wrong, undecided", async () => {
    const kept = await keep(await create());
    const { token, receipts, status, chain, definition: text, ...rest } = partsOf(kept);
    const full = { token: token!, receipts: receipts!, status: status!, chain: chain!, definition: text!, ...rest };
    const without = (...members: (keyof typeof full)[]) => {
      const left: Partial<typeof full> = { ...full };
      for (const member of members) delete left[member];
      return judge(JSON.stringify(left), kept.at);
    };
    expect(await judge(JSON.stringify(full), kept.at)).toBe("valid");
    expect(await without("receipts")).toBe("undecided inclusion receipt_missing");
    expect(await without("status")).toBe("undecided status status_missing");
    expect(await without("definition")).toBe("undecided schema definition_missing");
    expect(await without("chain")).toBe("undecided issuer chain_missing");
    expect(await without("receipts", "status", "chain", "definition")).toBe("undecided issuer chain_missing");
    expect(await without("token")).toBe("invalid format evidence_invalid");
    const { payload } = decodeJws(String(token).split("~")[0]!);
    expect(await judge(JSON.stringify(payload), kept.at)).toBe("invalid format evidence_invalid");
    const bare = `${encodeBase64url(new TextEncoder().encode('{"alg":"none","typ":"dc+sd-jwt"}'))}.${String(token).split(".")[1]}.AA~`;
    expect(await judge(JSON.stringify({ ...full, token: bare }), kept.at)).toBe("invalid format algorithm_not_allowed");
    // Of a receipt the part that says which record it is for.
    const recent = String((receipts as JsonObject).recent).replace(/^extra .*\n/m, "");
    expect(await judge(JSON.stringify({ ...full, receipts: { recent } }), kept.at)).toBe(
      "invalid inclusion receipt_malformed",
    );
    // The list's own receipt may be missing, unless a policy wants it; another's is refused.
    const { receipt, ...list } = status as JsonObject;
    expect(receipt).toBeTypeOf("string");
    const unlogged = JSON.stringify({ ...full, status: list });
    expect(await judge(unlogged, kept.at)).toBe("valid");
    expect(await judge(unlogged, kept.at, { requireStatusReceipt: true })).toBe(
      "undecided status status_receipt_missing",
    );
    expect(await judge(kept.text, kept.at, { requireStatusReceipt: true })).toBe("valid");
    const other = JSON.stringify({ ...full, status: { ...list, receipt: (receipts as JsonObject).recent } });
    expect(await judge(other, kept.at)).toBe("invalid status status_unproved");
  });

  it("that brings its own anchor is not believed, whatever it calls itself", async () => {
    const kept = await keep(await create());
    const pins = [anchor.pin(TYPES)];
    expect(await judge(JSON.stringify({ ...partsOf(kept), anchors: pins }), kept.at)).toBe(
      "invalid format evidence_invalid",
    );
    const ownAnchor = await startTestNode({ clock });
    const rogue = await startTestNode({
      superiors: [ownAnchor.entity],
      anchors: [ownAnchor.pin(TYPES)],
      clock,
    });
    try {
      await ownAnchor.node.federation.acceptSubordinate({ entity: rogue.entity, registryTypes: TYPES });
      const published = await rogue.request("PUT", "/registries/districts", {
        token: await rogue.token("operator", { seconds: offset + DAY }),
        json: definition("districts"),
      });
      expect(published.status, published.text).toBe(201);
      const made = await rogue.request("POST", "/registries/districts/records", {
        token: await rogue.token("registrar", { seconds: offset + DAY }),
        json: { data: { code: "1", name: "Nicobars" } },
      });
      const answer = await rogue.request("GET", `${String(made.body.href).slice(rogue.entity.length)}/evidence`);
      expect(await judge(answer.text, clock(), { anchors: [ownAnchor.pin(TYPES)] })).toBe("valid");
      expect(await judge(answer.text, clock())).toBe("invalid issuer issuer_unknown");
      // With the true chain in place of its own, its keys are nobody's.
      const swapped = { ...(JSON.parse(answer.text) as JsonObject), chain: partsOf(kept).chain! };
      expect(await judge(JSON.stringify(swapped), clock())).toBe("invalid issuer issuer_mismatch");
    } finally {
      for (const node of [rogue, ownAnchor]) await node.close();
    }
  });

  it("of a department that left the federation is valid as of before, and nobody's word since", async () => {
    await home.node.chainArchive.archive();
    const href = await create();
    const before = await keep(href);
    await anchor.node.federation.removeSubordinate(home.entity);
    // What was signed before it left holds for its hour; then nothing vouches for it.
    expect(await judge(before.text, before.at)).toBe("valid");
    offset += 2 * HOUR;
    expect(await judge(before.text, clock())).toBe("undecided issuer chain_expired");
    expect(await judge(before.text, before.at)).toBe("valid");
    expect(await judge(before.text, clock(), { allowArchivedChain: true })).toBe("undecided status status_stale");
    expect(await judge(before.text, clock(), AS_IT_WAS)).toBe("valid");
    // What it says today has no chain to go with.
    const today = await home.request("GET", `${pathOf(href)}/evidence`);
    expect([today.status, today.body.code]).toEqual([422, "chain_not_found"]);
    const status = await home.request("GET", "/status/0");
    const patched = { ...partsOf(before), status: { token: status.text } };
    expect(await judge(JSON.stringify(patched), clock())).toBe("undecided issuer chain_expired");
  });
});
