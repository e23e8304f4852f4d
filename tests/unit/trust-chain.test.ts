// Trust chains, true and false: each broken rule has its code, and no changed byte passes.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import { AttestryError, type ErrorCode } from "../../src/errors.ts";
import { type AnchorPin, verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { formatVerifierKey } from "../../src/log/note.ts";
import {
  type ChainDraft,
  createEntity,
  draftChain,
  draftConfiguration,
  keySet,
  pinOf,
  signChain,
} from "../chain-fixture.ts";

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

type Edit = (chain: ChainDraft) => void;
const claim =
  (statement: number, name: string, value: JsonObject[string]): Edit =>
  (chain) => {
    chain.statements[statement]!.claims[name] = value;
  };
const header =
  (statement: number, name: string, value: JsonObject[string]): Edit =>
  (chain) => {
    chain.statements[statement]!.header[name] = value;
  };
const node =
  (name: string, value: JsonObject[string]): Edit =>
  (chain) => {
    nodeOf(chain)[name] = value;
  };
const policy =
  (statement: number, parameter: string, operators: JsonObject): Edit =>
  (chain) => {
    policyOf(chain, statement)[parameter] = operators;
  };
const without =
  (statement: number, part: "header" | "claims", name: string): Edit =>
  (chain) => {
    delete chain.statements[statement]![part][name];
  };
const signer =
  (statement: number, other: Signer): Edit =>
  (chain) => {
    chain.statements[statement]!.signer = other;
  };
const signAs =
  (statement: number, other: Signer): Edit =>
  (chain) => {
    signer(statement, other)(chain);
    header(statement, "kid", other.publicKey.kid)(chain);
  };
const anchors =
  (choose: (chain: ChainDraft) => AnchorPin[]): Edit =>
  (chain) => {
    chain.anchors = choose(chain);
  };
const at =
  (now: number): Edit =>
  (chain) => {
    chain.now = now;
  };

// Statements of the chain of depth 4: 0 leaf's configuration, 1 office on leaf, 2 state on office, 3 anchor on state, 4 anchor's configuration.
const FALSE_CHAINS: [string, ErrorCode, Edit][] = [
  ["has no statements", "chain_malformed", (c) => c.statements.splice(0)],
  ["begins with a subordinate statement", "chain_malformed", (c) => c.statements.shift()],
  ["lacks the anchor's configuration", "chain_malformed", (c) => c.statements.pop()],
  ["has two configurations and nothing between them", "chain_malformed", (c) => c.statements.splice(1, 3)],
  ["lacks a statement in its middle", "statement_issuer_mismatch", (c) => c.statements.splice(2, 1)],
  [
    "has its statements in another order",
    "statement_issuer_mismatch",
    (c) => c.statements.splice(1, 2, c.statements[2]!, c.statements[1]!),
  ],
  [
    "holds a configuration between subordinate statements",
    "chain_malformed",
    (c) =>
      c.statements.splice(2, 0, draftConfiguration(ENTITIES[1]!, { superiors: [], registryTypes: TYPES, now: NOW })),
  ],
  [
    "is longer than the limit",
    "chain_too_long",
    (c) => c.statements.push(...Array.from({ length: 5 }, () => c.statements[4]!)),
  ],
  [
    "passes the same entity twice",
    "chain_loop",
    (c) => {
      const again = draftChain([ENTITIES[2]!, ENTITIES[1]!, ENTITIES[2]!], TYPES, NOW).statements;
      c.statements.splice(3, 0, again[1]!, again[2]!);
    },
  ],
  ["ends at an entity that is not pinned", "anchor_unknown", anchors(() => [pinOf(STRANGER, TYPES)])],
  ["has no anchors to end at", "anchor_unknown", anchors(() => [])],
  ["ends at a pin that is over", "anchor_expired", anchors((c) => [{ ...c.anchors[0]!, exp: NOW }])],
  ["ends at a pin that has not begun", "anchor_expired", anchors((c) => [{ ...c.anchors[0]!, nbf: NOW + 1 }])],
  [
    "ends at the right anchor with other keys",
    "anchor_key_not_pinned",
    (c) => {
      const impostor = { ...ENTITIES[3]!, federation: STRANGER.federation };
      c.statements = draftChain([...ENTITIES.slice(0, 3), impostor], TYPES, NOW).statements;
    },
  ],
  ["names the pinned key over an impostor's signature", "statement_signature_invalid", signer(4, STRANGER.federation)],
  [
    "has a subject that names another superior",
    "statement_hint_missing",
    claim(0, "authority_hints", ["https://state.example.org"]),
  ],
  ["has a subject that names no superior", "statement_hint_missing", without(0, "claims", "authority_hints")],
  ["holds an expired statement", "statement_expired", claim(2, "exp", NOW)],
  ["is read after the time", "statement_expired", at(NOW + 3_600)],
  ["holds a statement of the future", "statement_not_yet_valid", claim(3, "iat", NOW + 61)],
  ["holds a statement whose exp precedes its iat", "statement_invalid", claim(1, "iat", NOW + 3_601)],
  ["holds a statement without exp", "statement_invalid", without(1, "claims", "exp")],
  ["holds a statement with a fractional iat", "statement_invalid", claim(1, "iat", NOW - 0.5)],
  ["holds a statement with a text as exp", "statement_invalid", claim(1, "exp", `${NOW + 60}`)],
  ["holds a statement of another typ", "statement_type_wrong", header(1, "typ", "JWT")],
  ["holds a statement without typ", "statement_type_wrong", without(1, "header", "typ")],
  ["holds a statement with alg none", "algorithm_not_allowed", header(1, "alg", "none")],
  ["holds a statement with a symmetric alg", "algorithm_not_allowed", header(1, "alg", "HS256")],
  ["holds a statement without kid", "statement_invalid", without(1, "header", "kid")],
  ["holds a statement with an empty kid", "statement_invalid", header(1, "kid", "")],
  [
    "names a key that the issuer does not hold",
    "statement_key_unknown",
    header(1, "kid", STRANGER.federation.publicKey.kid),
  ],
  ["has a subordinate statement signed by its subject", "statement_key_unknown", signAs(1, ENTITIES[0]!.federation)],
  [
    "has a subordinate statement signed by a stranger under the right kid",
    "statement_signature_invalid",
    signer(1, STRANGER.federation),
  ],
  ["has a stranger's statement in its middle", "statement_signature_invalid", signer(2, STRANGER.federation)],
  ["has a stranger's statement in the anchor's name", "statement_signature_invalid", signer(3, STRANGER.federation)],
  ["has the anchor's statement signed by its subject", "statement_key_unknown", signAs(3, ENTITIES[2]!.federation)],
  [
    "has a subject whose superior knows other keys",
    "statement_key_unknown",
    claim(1, "jwks", keySet(STRANGER.federation.publicKey)),
  ],
  [
    "has a subject that does not list the key it signs with",
    "statement_key_unknown",
    claim(0, "jwks", keySet(STRANGER.federation.publicKey)),
  ],
  ["has a crit header", "crit_unsupported", header(1, "crit", ["exp"])],
  ["carries a chain in a header", "statement_header_forbidden", header(0, "trust_chain", ["x"])],
  ["carries a peer's chain in a header", "statement_header_forbidden", header(0, "peer_trust_chain", ["x"])],
  ["holds a statement for an audience", "statement_claim_forbidden", claim(0, "aud", "https://anchor.example.org")],
  [
    "holds a statement with trust_anchor",
    "statement_claim_forbidden",
    claim(1, "trust_anchor", "https://anchor.example.org"),
  ],
  [
    "has hints in a subordinate statement",
    "statement_claim_misplaced",
    claim(1, "authority_hints", ["https://state.example.org"]),
  ],
  ["has trust marks in a subordinate statement", "statement_claim_misplaced", claim(1, "trust_marks", [])],
  ["has a policy in a configuration", "statement_claim_misplaced", claim(0, "metadata_policy", {})],
  ["has constraints in a configuration", "statement_claim_misplaced", claim(4, "constraints", {})],
  [
    "calls an unknown claim critical",
    "statement_crit_unsupported",
    (c) => {
      claim(1, "crit", ["colour"])(c);
      claim(1, "colour", "red")(c);
    },
  ],
  ["calls an absent claim critical", "statement_invalid", claim(1, "crit", ["colour"])],
  ["calls a claim of the standard critical", "statement_invalid", claim(1, "crit", ["exp"])],
  ["has an empty crit", "statement_invalid", claim(1, "crit", [])],
  ["has a null in metadata", "statement_metadata_null", node("contacts", null)],
  ["has metadata that is a list", "statement_invalid", claim(0, "metadata", [])],
  [
    "has two keys with one kid",
    "statement_keys_duplicate",
    claim(1, "jwks", keySet(ENTITIES[0]!.federation.publicKey, ENTITIES[0]!.federation.publicKey)),
  ],
  ["has no keys", "statement_keys_invalid", claim(1, "jwks", { keys: [] })],
  [
    "has a private key among its keys",
    "statement_keys_invalid",
    claim(1, "jwks", { keys: [{ ...ENTITIES[0]!.federation.publicKey.jwk, d: "AAAA" }] }),
  ],
  ["has an issuer that is no identifier", "entity_identifier_invalid", claim(1, "iss", "office.example.org")],
  ["has an issuer in another spelling", "entity_identifier_invalid", claim(1, "iss", "https://OFFICE.example.org")],
  ["has an empty list of hints", "statement_invalid", claim(0, "authority_hints", [])],
  [
    "has a policy that contradicts itself",
    "policy_invalid",
    policy(1, "registry_types", { value: ["births"], subset_of: TYPES }),
  ],
  [
    "has policies that contradict each other",
    "policy_invalid",
    policy(1, "registry_types", { subset_of: ["districts"], superset_of: ["districts"], add: ["births"] }),
  ],
  [
    "has a metadata parameter that a policy demands and nobody gives",
    "policy_violated",
    policy(3, "homepage", { essential: true }),
  ],
  [
    "has a critical policy operator that we do not know",
    "policy_operator_unsupported",
    claim(2, "metadata_policy_crit", ["regexp"]),
  ],
  ["has a malformed list of critical operators", "policy_invalid", claim(2, "metadata_policy_crit", [])],
  ["has a constraint that is no object", "constraint_invalid", claim(2, "constraints", [])],
  ["has a negative path length", "constraint_invalid", claim(2, "constraints", { max_path_length: -1 })],
  [
    "has more intermediates than a superior allows",
    "path_length_exceeded",
    claim(2, "constraints", { max_path_length: 0 }),
  ],
  [
    "has a host that a superior excludes",
    "entity_name_not_permitted",
    claim(2, "constraints", { naming_constraints: { excluded: ["leaf.example.org"] } }),
  ],
  [
    "has a subject of an entity type that a superior does not allow",
    "node_metadata_invalid",
    claim(2, "constraints", { allowed_entity_types: ["openid_provider"] }),
  ],
  ["has a subject without registry_node metadata", "node_metadata_invalid", claim(0, "metadata", {})],
  [
    "has an endpoint at another host",
    "node_metadata_invalid",
    node("records_read_endpoint", "http://169.254.169.254/latest"),
  ],
  [
    "has an endpoint that leaves the entity's path",
    "node_metadata_invalid",
    node("resolve_endpoint", "https://leaf.example.org/lgd/../x"),
  ],
  [
    "has a log of another entity",
    "node_metadata_invalid",
    node("logs", { records: { origin: "office.example.org/log/records", vkeys: ["x"] } }),
  ],
  [
    "has a log whose key has another name",
    "node_metadata_invalid",
    node("logs", {
      records: {
        origin: "leaf.example.org/lgd/log/records",
        vkeys: [formatVerifierKey({ name: "leaf.example.org/lgd/log/other", raw: STRANGER.log.publicKey.raw })],
      },
    }),
  ],
  ["uses a federation key as record key", "key_role_conflict", node("jwks", keySet(ENTITIES[0]!.federation.publicKey))],
  [
    "uses a superior's federation key as record key",
    "key_role_conflict",
    node("jwks", keySet(ENTITIES[2]!.federation.publicKey)),
  ],
  [
    "uses a record key for status lists",
    "key_role_conflict",
    node("status_jwks", keySet(ENTITIES[0]!.record.publicKey)),
  ],
  ["uses a status key for requests", "key_role_conflict", node("request_jwks", keySet(ENTITIES[0]!.status.publicKey))],
  ["uses the log's key for records", "key_role_conflict", node("jwks", keySet(ENTITIES[0]!.log.publicKey))],
];

describe("a chain is refused that", () => {
  test.each(FALSE_CHAINS)("%s: %s", async (_, code, edit) => {
    const chain = chainOf(4);
    edit(chain);
    expect(await codeOf(verify(chain))).toBe(code);
  });

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
