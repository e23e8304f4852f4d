// What verifications of chains remember of one another changes how fast they are, and never what they find.
import { expect, test } from "vitest";
import { createChainMemory } from "../../src/federation/chain-memory.ts";
import { type AnchorPin, verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { settledCode } from "../caught-code.ts";
import { createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";

const TYPES = ["districts"];
const NOW = 1_800_000_000;
const entities = ["land", "state", "anchor"].map((name) => createEntity(`https://${name}.example.org`));
const [, state, anchor] = entities as [unknown, (typeof entities)[0], (typeof entities)[0]];
const statements = await signChain(draftChain(entities, TYPES, NOW));

/** A memory that has proven the chain once. */
async function warm() {
  const memory = createChainMemory(10);
  await verifyTrustChain({ statements, anchors: [pinOf(anchor, TYPES)], now: NOW, memory });
  return memory;
}

test("a superior's statement that was read and proven is not read again", async () => {
  const memory = await warm();
  expect(memory.parse(statements[2]!)).toBe(memory.parse(statements[2]!));
  expect(memory.isProven(statements[2]!, anchor.federation.publicKey)).toBe(true);
});

test("what is proven by one key is not proven by another, even one of the same name", async () => {
  const memory = await warm();
  const stranger = createEntity("https://x.example.org").federation.publicKey;
  const namesake = { ...stranger, kid: anchor.federation.publicKey.kid };
  expect(memory.isProven(statements[2]!, namesake)).toBe(false);
  expect(memory.isProven(`${statements[2]!} `, anchor.federation.publicKey)).toBe(false);
});

test("a failure is not remembered, and not taken for a proof", async () => {
  const memory = createChainMemory(10);
  const forged = await signChain(
    (() => {
      const chain = draftChain(entities, TYPES, NOW);
      chain.statements[2]!.signer = { ...anchor.federation, sign: state.federation.sign };
      return chain;
    })(),
  );
  const attempt = () => verifyTrustChain({ statements: forged, anchors: [pinOf(anchor, TYPES)], now: NOW, memory });
  expect(await settledCode(attempt())).toBe("statement_signature_invalid");
  expect(memory.isProven(forged[2]!, anchor.federation.publicKey)).toBe(false);
  expect(await settledCode(attempt())).toBe("statement_signature_invalid");
});

test.each<[string, Partial<{ anchors: AnchorPin[]; now: number }>, string]>([
  ["its time", { now: NOW + 3_600 }, "statement_expired"],
  ["the pin", { anchors: [] }, "anchor_unknown"],
  ["the pin's time", { anchors: [{ ...pinOf(anchor, TYPES), exp: NOW }] }, "anchor_expired"],
  ["the pin's key", { anchors: [{ ...pinOf(state, TYPES), entity: anchor.id }] }, "anchor_key_not_pinned"],
])("%s is looked at again", async (_name, change, code) => {
  const memory = await warm();
  const input = { statements, anchors: [pinOf(anchor, TYPES)], now: NOW, memory, ...change };
  expect(await settledCode(verifyTrustChain(input))).toBe(code);
});

test("what the pin allows is looked at again", async () => {
  const memory = await warm();
  const chain = await verifyTrustChain({ statements, anchors: [pinOf(anchor, [])], now: NOW, memory });
  expect(chain.registryTypes).toEqual([]);
});

test("the least recently used goes first", () => {
  const memory = createChainMemory(2);
  const [a, b, c] = statements.slice(0, 3) as [string, string, string];
  const first = memory.parse(a);
  memory.parse(b);
  memory.parse(a);
  memory.parse(c);
  expect(memory.parse(a)).toBe(first);
});
