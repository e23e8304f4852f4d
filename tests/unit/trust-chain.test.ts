// Trust chains, true and false: each broken rule has its code, and no changed byte passes.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { AttestryError } from "../../src/errors.ts";
import { proveTrustChain, verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { type ChainDraft, createEntity, draftChain, pinOf, signChain } from "../chain-fixture.ts";

const NOW = 1_800_000_000;
const TYPES = ["districts", "states"];
// Subject first, anchor last.
const ENTITIES = [
  "https://leaf.example.org/lgd",
  "https://office.example.org",
  "https://state.example.org",
  "https://anchor.example.org",
].map(createEntity);
const STRANGER = createEntity("https://stranger.example.org");

function chainOf(depth: number): ChainDraft {
  return draftChain(ENTITIES.slice(0, depth - 1).concat(ENTITIES.at(-1)!), TYPES, NOW);
}

async function verify(chain: ChainDraft, statements?: readonly string[]) {
  return verifyTrustChain({
    statements: statements ?? (await signChain(chain)),
    anchors: chain.anchors,
    now: chain.now,
  });
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  try {
    await attempt;
    return "accepted";
  } catch (error) {
    if (error instanceof AttestryError) return error.code;
    throw error;
  }
}

function policyOf(chain: ChainDraft, statement: number): JsonObject {
  return (chain.statements[statement]!.claims.metadata_policy as JsonObject).registry_node as JsonObject;
}

function nodeOf(chain: ChainDraft): JsonObject {
  return (chain.statements[0]!.claims.metadata as JsonObject).registry_node as JsonObject;
}

describe("a true chain", () => {
  test.each([1, 2, 3, 4])("of depth %i is proven and grants what everyone names", async (depth) => {
    const chain = chainOf(depth);
    const verified = await verify(chain);
    expect(verified).toMatchObject({ entity: chain.entities[0]!.id, anchor: ENTITIES[3]!.id, registryTypes: TYPES });
    expect(verified.expiresAt).toBe(NOW + 3_600);
    expect(verified.keys.record.map((key) => key.kid)).toEqual([chain.entities[0]!.record.publicKey.kid]);
    expect(verified.keys.log).toEqual([chain.entities[0]!.log.publicKey.raw]);
  });

  test("expires with the first of its statements, or with the pin", async () => {
    const chain = chainOf(4);
    chain.statements[2]!.claims.exp = NOW + 77;
    expect((await verify(chain)).expiresAt).toBe(NOW + 77);
    chain.anchors = [{ ...chain.anchors[0]!, exp: NOW + 33 }];
    expect((await verify(chain)).expiresAt).toBe(NOW + 33);
  });

  test("may start with a clock a little ahead of ours", async () => {
    const chain = chainOf(3);
    chain.statements[1]!.claims.iat = NOW + 50;
    expect(await codeOf(verify(chain))).toBe("accepted");
  });

  test("may carry an algorithm name of RFC 8037 from foreign software", async () => {
    const chain = chainOf(3);
    chain.statements[1]!.header.alg = "EdDSA";
    expect(await codeOf(verify(chain))).toBe("accepted");
  });

  test("ignores claims, constraints and operators that it does not know and nobody calls critical", async () => {
    const chain = chainOf(3);
    chain.statements[1]!.claims.note = "x";
    chain.statements[1]!.claims.constraints = { colour: "red" };
    policyOf(chain, 1).registry_types = { subset_of: TYPES, regexp: "^x" };
    expect((await verify(chain)).registryTypes).toEqual(TYPES);
  });

  test("holds under whichever of several pins of one anchor is in force", async () => {
    const chain = chainOf(3);
    const old = { ...pinOf({ ...ENTITIES[3]!, federation: STRANGER.federation }, TYPES), exp: NOW - 1 };
    chain.anchors = [old, ...chain.anchors];
    expect(await codeOf(verify(chain))).toBe("accepted");
  });
});

describe("authority", () => {
  test.each([1, 2, 3])("is nothing where statement %i carries no registry_types policy", async (silent) => {
    const chain = chainOf(4);
    delete chain.statements[silent]!.claims.metadata_policy;
    expect((await verify(chain)).registryTypes).toEqual([]);
  });

  test.each([1, 2, 3])(
    "is nothing where statement %i fixes a value in place of granting a subset",
    async (statement) => {
      const chain = chainOf(4);
      policyOf(chain, statement).registry_types = { value: ["districts"] };
      expect((await verify(chain)).registryTypes).toEqual([]);
    },
  );

  test("is what every superior grants", async () => {
    const chain = chainOf(4);
    policyOf(chain, 2).registry_types = { subset_of: ["districts", "births"] };
    expect((await verify(chain)).registryTypes).toEqual(["districts"]);
  });

  test("ends at the types that are pinned to the anchor", async () => {
    const chain = chainOf(3);
    chain.anchors = [pinOf(ENTITIES[3]!, ["states", "births"])];
    expect((await verify(chain)).registryTypes).toEqual(["states"]);
  });

  test("ends at the types that the subject declares, even where a superior adds one", async () => {
    const chain = chainOf(3);
    nodeOf(chain).registry_types = ["states"];
    policyOf(chain, 1).registry_types = { subset_of: TYPES, add: ["districts"] };
    expect((await verify(chain)).registryTypes).toEqual(["states"]);
  });

  test("of an anchor over itself is its pin's", async () => {
    const chain = chainOf(1);
    chain.anchors = [pinOf(ENTITIES[3]!, ["states"])];
    expect((await verify(chain)).registryTypes).toEqual(["states"]);
  });
});

describe("a superior's metadata and constraints", () => {
  test("the immediate superior's metadata replaces the subject's, a higher superior's does not", async () => {
    const chain = chainOf(4);
    chain.statements[1]!.claims.metadata = { registry_node: { organization_name: "Office says" } };
    chain.statements[2]!.claims.metadata = { registry_node: { organization_name: "State says" } };
    expect((await verify(chain)).metadata.organization_name).toBe("Office says");
  });

  test("max_path_length counts the intermediates below its issuer", async () => {
    const chain = chainOf(4);
    chain.statements[3]!.claims.constraints = { max_path_length: 2 };
    expect(await codeOf(verify(chain))).toBe("accepted");
    chain.statements[3]!.claims.constraints = { max_path_length: 1 };
    expect(await codeOf(verify(chain))).toBe("path_length_exceeded");
  });

  test("a name constraint with a leading dot admits hosts below it and not the bare domain", async () => {
    const chain = chainOf(4);
    chain.statements[3]!.claims.constraints = { naming_constraints: { permitted: [".example.org"] } };
    expect(await codeOf(verify(chain))).toBe("accepted");
    chain.statements[3]!.claims.constraints = { naming_constraints: { permitted: [".leaf.example.org"] } };
    expect(await codeOf(verify(chain))).toBe("entity_name_not_permitted");
  });
});

describe("a chain is refused that", () => {
  test("has a duplicate name in a policy", async () => {
    const chain = chainOf(3);
    const statements = await signChain(chain);
    const [head, body, signature] = statements[1]!.split(".");
    const text = Buffer.from(body!, "base64url").toString();
    const doubled = text.replace('"subset_of"', '"subset_of":["births"],"subset_of"');
    statements[1] = [head, Buffer.from(doubled).toString("base64url"), signature].join(".");
    expect(doubled).not.toBe(text);
    expect(await codeOf(verify(chain, statements))).toBe("json_duplicate_key");
  });
});

describe("the metadata that superiors leave of an entity", () => {
  async function resolve(edit: (chain: ChainDraft) => void): Promise<JsonObject> {
    const chain = chainOf(4);
    chain.statements[0]!.claims.metadata = {
      federation_entity: { organization_name: "Leaf" },
      openid_provider: { issuer: "https://leaf.example.org/lgd", scopes: ["a"] },
    };
    edit(chain);
    const statements = await signChain(chain);
    const proven = await proveTrustChain({ statements, anchors: chain.anchors, now: chain.now });
    return Object.fromEntries(proven.resolved);
  }
  const constrain = (chain: ChainDraft, statement: number, types: string[]) =>
    Object.assign(chain.statements[statement]!.claims, { constraints: { allowed_entity_types: types } });

  test("is what it declares where they say nothing", async () => {
    expect(Object.keys(await resolve(() => {}))).toEqual(["federation_entity", "openid_provider"]);
  });

  test("lacks the entity types that any of them does not allow, but never federation_entity", async () => {
    expect(Object.keys(await resolve((chain) => constrain(chain, 3, [])))).toEqual(["federation_entity"]);
    expect(Object.keys(await resolve((chain) => constrain(chain, 1, ["registry_node"])))).toEqual([
      "federation_entity",
    ]);
    expect(Object.keys(await resolve((chain) => constrain(chain, 2, ["openid_provider"])))).toHaveLength(2);
  });

  test("has no type that only a superior declares", async () => {
    const resolved = await resolve((chain) => {
      chain.statements[1]!.claims.metadata = { openid_relying_party: { a: 1 }, openid_provider: { b: 2 } };
    });
    expect(resolved).toEqual({
      federation_entity: { organization_name: "Leaf" },
      openid_provider: { issuer: "https://leaf.example.org/lgd", scopes: ["a"], b: 2 },
    });
  });

  test("is under the policy also where the superior itself said it", async () => {
    const resolved = await resolve((chain) => {
      chain.statements[1]!.claims.metadata = { openid_provider: { scopes: ["b", "c"] } };
      chain.statements[2]!.claims.metadata_policy = { openid_provider: { scopes: { subset_of: ["a", "c"] } } };
    });
    expect(resolved.openid_provider).toMatchObject({ scopes: ["c"] });
  });
});

test("no character of any statement can be changed, dropped or added", async () => {
  const chain = chainOf(3);
  const statements = await signChain(chain);
  expect(await codeOf(verify(chain, statements))).toBe("accepted");
  const accepted: string[] = [];
  let tried = 0;
  for (const [j, text] of statements.entries()) {
    for (let at = 0; at <= text.length; at++) {
      const other = text[at] === "A" ? "B" : "A";
      const kinds = [text.slice(0, at) + other + text.slice(at + 1)];
      if (at % 16 === 0)
        kinds.push(text.slice(0, at) + text.slice(at + 1), `${text.slice(0, at)}${other}${text.slice(at)}`);
      for (const changed of kinds.filter((candidate) => candidate !== text)) {
        tried++;
        if ((await codeOf(verify(chain, statements.with(j, changed)))) === "accepted") accepted.push(`${j}:${at}`);
      }
    }
  }
  expect(tried).toBeGreaterThan(4_000);
  expect(accepted).toEqual([]);
});
