// A withdrawal among a hundred readings at once: none is answered that stands after it in the log, and every answered one stands there. A lost answer uses nothing up.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";
import { PERSONS, PURPOSE } from "../consent-world.ts";
import { startTestNode, type TestNode } from "../node-fixture.ts";
import { signDraft } from "../request-signing.ts";

// `npm run soak` does 200 rounds.
const ROUNDS = Number(process.env.CONSENT_RACE_ROUNDS ?? 4);
const READINGS = 100;

const now = () => Math.floor(Date.now() / 1_000);
const anchor = createEntity("https://anchor.example");
const welfare = createEntity("https://welfare.example");
const person = { claims: { national_id: "A-1" } };

let node: TestNode;
let chain: string[];
let href: string;
let drawn = 0;

async function post(path: string, json: JsonObject): Promise<JsonObject> {
  const { method, headers, body } = await signDraft({
    signer: welfare.request,
    sender: welfare.id,
    audience: node.entity,
    method: "POST",
    url: `${node.entity}${path}`,
    json,
    chain,
  });
  const answer = await node.request(method, path, { headers, body: body! });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

async function giveConsent(changes: JsonObject = {}): Promise<string> {
  const { id } = await post("/consents", {
    request_id: `request-${++drawn}`,
    registry: "persons",
    subject: { claim: "national_id", value: "A-1" },
    purpose: PURPOSE,
    fields: ["name"],
    expires_at: now() + 86_400,
    ...changes,
  });
  await node.node.consents.give(person, id as string, { language: "en" });
  return id as string;
}

interface Read {
  readonly outcome: string;
  /** Of the reading's entry in the access log. */
  readonly index?: number;
  readonly commitment?: string;
}

async function read(consent: string, requestId = `reading-${++drawn}`): Promise<Read> {
  const { records } = await post("/records:read", {
    references: [{ href }],
    access: { purpose: PURPOSE, request_id: requestId, nonce: "nonce-nonce-nonce-1", consents: [consent] },
  });
  const [record] = records as JsonObject[];
  const { outcome, presentation } = record!;
  if (outcome !== "found") return { outcome: outcome as string };
  const { event } = decodeJws((presentation as JsonObject).token as string).payload;
  return { outcome, ...(event as { index: number; commitment: string }) };
}

const resetBudgets = () => node.database.database.sql`delete from answer_budget`;

beforeAll(async () => {
  node = await startTestNode({ anchors: [pinOf(anchor, ["persons"])] });
  chain = await signChain(draftChain([welfare, anchor], ["persons"], now()));
  expect((await node.publish(PERSONS)).status).toBe(201);
  const data = { national_id: "A-1", name: "Meera Rao", born: "1990-01-02" };
  const token = await node.token("registrar");
  href = (await node.request("POST", "/registries/persons/records", { token, json: { data } })).body.href as string;
});

afterAll(() => node?.close());

describe("a withdrawal among readings", () => {
  it(`is before or after each of ${READINGS} readings at once, in ${ROUNDS} rounds`, { timeout: 600_000 }, async () => {
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      await resetBudgets();
      const consent = await giveConsent();
      let done = 0;
      const readings = Array.from({ length: READINGS }, () => read(consent).finally(() => (done += 1)));
      // Somewhere among them, at another place in every round.
      const wanted = (round * 7) % 40;
      while (done < wanted) await sleep(1);
      const withdrawn = await node.node.consents.decide(person, consent, "withdraw");
      const all = await Promise.all(readings);
      const answered = all.filter(({ outcome }) => outcome === "found");
      for (const { outcome } of all) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      for (const { index } of answered) expect(index).toBeLessThan(withdrawn.logIndex!);
      const logged = new Map(
        (await node.node.usage.list(person)).entries
          .filter(
            ({ operation, basis }) => operation === "read" && basis && "consent" in basis && basis.consent === consent,
          )
          .map(({ logIndex, commitment }) => [logIndex, commitment]),
      );
      // Every answered one is there, and nothing else is.
      expect(logged).toEqual(new Map(answered.map(({ index, commitment }) => [index, commitment])));
      await resetBudgets();
      expect((await read(consent)).outcome).toBe("consent_withdrawn");
    }
    expect([...outcomes.keys()].every((one) => one === "found" || one === "consent_withdrawn")).toBe(true);
    expect((outcomes.get("found") ?? 0) + (outcomes.get("consent_withdrawn") ?? 0)).toBe(ROUNDS * READINGS);
    // Both happened, or nothing was raced.
    expect(outcomes.size).toBe(2);
    expect(await node.node.usage.check(person)).toEqual([]);
  });
});

describe("a consent for one reading", () => {
  it("is used once, whatever comes at once", async () => {
    await resetBudgets();
    const consent = await giveConsent({ one_time: true });
    const all = await Promise.all(Array.from({ length: 20 }, () => read(consent)));
    expect(all.filter(({ outcome }) => outcome === "found")).toHaveLength(1);
    expect(all.filter(({ outcome }) => outcome === "consent_used")).toHaveLength(19);
  });

  it("is not used up by an answer that was lost when the node died: the same reading is given once more", async () => {
    await resetBudgets();
    const consent = await giveConsent({ one_time: true });
    const requestId = `reading-${++drawn}`;
    const lost = await read(consent, requestId);
    await node.restart();
    expect(await read(consent, requestId)).toEqual(lost);
    const together = await Promise.all(Array.from({ length: 5 }, () => read(consent, requestId)));
    for (const one of together) expect(one).toEqual(lost);
    expect((await read(consent)).outcome).toBe("consent_used");
    expect(await node.node.usage.check(person)).toEqual([]);
  });

  it("is given once to the same reading that arrives many times at once", async () => {
    await resetBudgets();
    const consent = await giveConsent({ one_time: true });
    const requestId = `reading-${++drawn}`;
    const all = await Promise.all(Array.from({ length: 10 }, () => read(consent, requestId)));
    expect(new Set(all.map(({ outcome, index }) => `${outcome} ${index}`)).size).toBe(1);
    expect(all[0]!.outcome).toBe("found");
  });
});
