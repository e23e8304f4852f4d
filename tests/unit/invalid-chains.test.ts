// Invalid chains: each breaks one rule of OpenID Federation 1.0 §3, §6 or §10.2, or of our profile, and is refused with that rule's code.
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { type AnchorPin, verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { STATEMENT_BYTES_MAX } from "../../src/limits.ts";
import { formatVerifierKey } from "../../src/log/note.ts";
import { settledCode } from "../caught-code.ts";
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

async function verdictOf(chain: ChainDraft, anchors: readonly AnchorPin[] = chain.anchors) {
  return settledCode(verifyTrustChain({ statements: await signChain(chain), anchors, now: chain.now }));
}

function policyOf(chain: ChainDraft, statement: number): JsonObject {
  return (chain.statements[statement]!.claims.metadata_policy as JsonObject).registry_node as JsonObject;
}

function nodeOf(chain: ChainDraft): JsonObject {
  return (chain.statements[0]!.claims.metadata as JsonObject).registry_node as JsonObject;
}

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
const INVALID_CHAINS: [string, ErrorCode, Edit][] = [
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
  // §3.1: form of each statement.
  ["holds a statement signed with RSA", "algorithm_not_allowed", header(1, "alg", "RS256")],
  ["holds a statement without alg", "algorithm_not_allowed", without(1, "header", "alg")],
  ["holds a statement with a numeric kid", "statement_invalid", header(1, "kid", 7)],
  ["holds a statement without iat", "statement_invalid", without(1, "claims", "iat")],
  ["holds a statement with a negative exp", "statement_invalid", claim(1, "exp", -1)],
  ["holds a statement without keys", "statement_keys_invalid", without(1, "claims", "jwks")],
  ["has keys that are no list", "statement_keys_invalid", claim(1, "jwks", { keys: {} })],
  [
    "has a key without kid",
    "statement_keys_invalid",
    claim(1, "jwks", { keys: [{ ...ENTITIES[0]!.federation.publicKey.jwk, kid: "" }] }),
  ],
  [
    "has an RSA key",
    "statement_keys_invalid",
    claim(1, "jwks", { keys: [{ kty: "RSA", kid: "a", n: "AQ", e: "AQAB" }] }),
  ],
  [
    "has a key whose kid is no thumbprint",
    "statement_keys_invalid",
    claim(1, "jwks", { keys: [{ ...ENTITIES[0]!.federation.publicKey.jwk, kid: "my-key" }] }),
  ],
  ["is longer than a statement may be", "statement_invalid", claim(1, "note", "x".repeat(STATEMENT_BYTES_MAX))],
  ["has an issuer with a query", "entity_identifier_invalid", claim(1, "iss", "https://office.example.org?a")],
  ["has an issuer with a fragment", "entity_identifier_invalid", claim(1, "iss", "https://office.example.org#a")],
  ["has an issuer with a user", "entity_identifier_invalid", claim(1, "iss", "https://a@office.example.org")],
  ["has an issuer without TLS", "entity_identifier_invalid", claim(1, "iss", "http://office.example.org")],
  ["has a subject that is a number", "entity_identifier_invalid", claim(1, "sub", 1)],
  ["has no issuer", "entity_identifier_invalid", without(1, "claims", "iss")],
  ["has a hint that is no identifier", "entity_identifier_invalid", claim(0, "authority_hints", ["state"])],
  ["names a superior twice", "statement_invalid", claim(0, "authority_hints", [ENTITIES[1]!.id, ENTITIES[1]!.id])],
  ["has hints that are a text", "statement_invalid", claim(0, "authority_hints", ENTITIES[1]!.id)],
  ["has an empty list of anchor hints", "statement_invalid", claim(0, "trust_anchor_hints", [])],
  ["has an anchor hint that is no identifier", "entity_identifier_invalid", claim(0, "trust_anchor_hints", ["anchor"])],
  ["has trust marks that are no list", "statement_invalid", claim(0, "trust_marks", {})],
  ["has a trust mark without its type", "statement_invalid", claim(0, "trust_marks", [{ trust_mark: "a.b.c" }])],
  [
    "carries more trust marks than anybody reads",
    "statement_invalid",
    claim(
      0,
      "trust_marks",
      Array.from({ length: 21 }, () => ({ trust_mark_type: "a", trust_mark: "a.b.c" })),
    ),
  ],
  ["has a source endpoint that is no URL", "statement_invalid", claim(1, "source_endpoint", "fetch")],
  ["has an entity type whose metadata is a list", "statement_invalid", claim(0, "metadata", { registry_node: [] })],
  [
    "has a null in a superior's metadata",
    "statement_metadata_null",
    claim(1, "metadata", { registry_node: { a: null } }),
  ],
  // §3.1.1: crit.
  ["has a crit that names a claim twice", "statement_invalid", claim(1, "crit", ["colour", "colour"])],
  ["has a crit that is a text", "statement_invalid", claim(1, "crit", "colour")],
  [
    "has a crit in its configuration that we do not understand",
    "statement_crit_unsupported",
    (c) => {
      claim(0, "crit", ["colour"])(c);
      claim(0, "colour", "red")(c);
    },
  ],
  ["calls a header critical that is not encoded", "crit_unsupported", header(1, "b64", false)],
  // §3.1.2 and §3.1.3: claims in the other kind of statement.
  ["is a chain inside a statement", "statement_claim_forbidden", claim(1, "trust_chain", ["x"])],
  ["has anchor hints in a subordinate statement", "statement_claim_misplaced", claim(2, "trust_anchor_hints", ["x"])],
  ["has mark issuers in a subordinate statement", "statement_claim_misplaced", claim(3, "trust_mark_issuers", {})],
  ["has mark owners in a subordinate statement", "statement_claim_misplaced", claim(3, "trust_mark_owners", {})],
  ["has critical operators in a configuration", "statement_claim_misplaced", claim(0, "metadata_policy_crit", ["x"])],
  [
    "has a source endpoint in a configuration",
    "statement_claim_misplaced",
    claim(4, "source_endpoint", "https://x.example"),
  ],
  ["carries a chain in the anchor's header", "statement_header_forbidden", header(4, "trust_chain", ["x"])],
  // §10.2: order and keys.
  [
    "has a subject that is not the one its superior speaks of",
    "statement_issuer_mismatch",
    claim(1, "sub", STRANGER.id),
  ],
  ["has a superior that speaks of itself", "statement_claim_misplaced", claim(1, "iss", ENTITIES[0]!.id)],
  [
    "has an intermediate whose keys its superior does not know",
    "statement_key_unknown",
    claim(2, "jwks", keySet(STRANGER.federation.publicKey)),
  ],
  [
    "has an anchor's key in its middle that the anchor does not publish",
    "statement_key_unknown",
    signAs(3, STRANGER.federation),
  ],
  ["has an anchor's configuration that has expired", "statement_expired", claim(4, "exp", NOW)],
  ["has a subject's configuration that has expired", "statement_expired", claim(0, "exp", NOW)],
  ["has an anchor's configuration of the future", "statement_not_yet_valid", claim(4, "iat", NOW + 61)],
  [
    "ends at a pin of an anchor with the same host and another path",
    "anchor_unknown",
    anchors(() => [pinOf({ ...ENTITIES[3]!, id: `${ENTITIES[3]!.id}/a` }, TYPES)]),
  ],
  // §6.2: constraints.
  ["has a fractional path length", "constraint_invalid", claim(2, "constraints", { max_path_length: 0.5 })],
  ["has name constraints that are a list", "constraint_invalid", claim(2, "constraints", { naming_constraints: [] })],
  [
    "has permitted names that are a text",
    "constraint_invalid",
    claim(2, "constraints", { naming_constraints: { permitted: ".example.org" } }),
  ],
  [
    "has allowed entity types that are a text",
    "constraint_invalid",
    claim(2, "constraints", { allowed_entity_types: "registry_node" }),
  ],
  [
    "has a host that a superior both permits and excludes",
    "entity_name_not_permitted",
    claim(2, "constraints", { naming_constraints: { permitted: [".example.org"], excluded: ["leaf.example.org"] } }),
  ],
  [
    "has a host where a superior permits none",
    "entity_name_not_permitted",
    claim(2, "constraints", { naming_constraints: { permitted: [] } }),
  ],
  [
    "has a subject below the one host that is permitted",
    "entity_name_not_permitted",
    claim(2, "constraints", { naming_constraints: { permitted: ["example.org"] } }),
  ],
  [
    "has an intermediate whose host the anchor excludes",
    "entity_name_not_permitted",
    claim(3, "constraints", { naming_constraints: { excluded: ["office.example.org"] } }),
  ],
  [
    "has a subject where a superior allows federation entities only",
    "node_metadata_invalid",
    claim(3, "constraints", { allowed_entity_types: [] }),
  ],
  // §6.1: policies, each alone and merged.
  ["has a policy that is a list", "policy_invalid", claim(2, "metadata_policy", [])],
  [
    "has a policy of an entity type that is a text",
    "policy_invalid",
    claim(2, "metadata_policy", { registry_node: "x" }),
  ],
  ["has a policy of a parameter that is a text", "policy_invalid", policy(2, "contacts", "x" as never)],
  ["has an operator that is no list", "policy_invalid", policy(2, "contacts", { subset_of: "a" })],
  ["has an empty one_of", "policy_invalid", policy(2, "contacts", { one_of: [] })],
  ["has an essential that is a text", "policy_invalid", policy(2, "contacts", { essential: "true" })],
  ["has a default that is null", "policy_invalid", policy(2, "contacts", { default: null })],
  ["has one_of beside subset_of", "policy_invalid", policy(2, "contacts", { one_of: ["a"], subset_of: ["a"] })],
  ["has a value null beside essential", "policy_invalid", policy(2, "contacts", { value: null, essential: true })],
  [
    "has a superset_of outside subset_of",
    "policy_invalid",
    policy(2, "contacts", { superset_of: ["b"], subset_of: ["a"] }),
  ],
  ["has a value outside one_of", "policy_invalid", policy(2, "organization_name", { value: "b", one_of: ["a"] })],
  [
    "has superiors with different values",
    "policy_invalid",
    (c) => {
      policy(2, "organization_name", { value: "a" })(c);
      policy(3, "organization_name", { value: "b" })(c);
    },
  ],
  [
    "has superiors whose one_of share nothing",
    "policy_invalid",
    (c) => {
      policy(2, "organization_name", { one_of: ["a"] })(c);
      policy(3, "organization_name", { one_of: ["b"] })(c);
    },
  ],
  [
    "has superiors whose subset_of and superset_of contradict",
    "policy_invalid",
    (c) => {
      policy(2, "contacts", { superset_of: ["b"] })(c);
      policy(3, "contacts", { subset_of: ["a"] })(c);
    },
  ],
  ["calls an operator of the standard critical", "policy_invalid", claim(2, "metadata_policy_crit", ["value"])],
  [
    "has a value that no superior's one_of admits",
    "policy_violated",
    policy(3, "organization_name", { one_of: ["b"] }),
  ],
  ["lacks what a superior's superset_of demands", "policy_violated", policy(2, "contacts", { superset_of: ["b"] })],
  ["has a text where a policy takes a list", "policy_violated", policy(2, "organization_name", { subset_of: ["b"] })],
];

describe("a chain is refused that", () => {
  test.each(INVALID_CHAINS)("%s: %s", async (_, code, edit) => {
    const chain = draftChain(ENTITIES, TYPES, NOW);
    edit(chain);
    expect(await verdictOf(chain)).toBe(code);
  });

  test("is one of many kinds", () => {
    expect(INVALID_CHAINS.length).toBeGreaterThan(120);
    expect(new Set(INVALID_CHAINS.map(([name]) => name)).size).toBe(INVALID_CHAINS.length);
  });
});

/** Every order of a few items. */
function ordersOf<Item>(items: readonly Item[]): Item[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

describe("the order in which anchors are pinned decides nothing:", () => {
  const anchor = ENTITIES[3]!;
  const elsewhere = createEntity("https://elsewhere.example.org");
  const others = [
    pinOf(STRANGER, TYPES),
    { ...pinOf(anchor, ["parcels"]), exp: NOW - 1 },
    pinOf({ ...anchor, federation: elsewhere.federation }, ["births"]),
  ];

  test("a true chain is proven with the same types", async () => {
    const chain = draftChain(ENTITIES, TYPES, NOW);
    const pins = [pinOf(anchor, ["districts"]), { ...pinOf(anchor, ["states"]), exp: NOW + 5 }, ...others.slice(0, 2)];
    const statements = await signChain(chain);
    for (const anchors of ordersOf(pins)) {
      const { registryTypes, expiresAt } = await verifyTrustChain({ statements, anchors, now: NOW });
      expect([registryTypes, expiresAt]).toEqual([TYPES, NOW + 5]);
    }
  });

  test("a false one is refused with the same code", async () => {
    for (const [name, , edit] of INVALID_CHAINS) {
      const chain = draftChain(ENTITIES, TYPES, NOW);
      edit(chain);
      const verdicts = new Set<string>();
      for (const anchors of ordersOf([...chain.anchors, ...others]).slice(0, 24))
        verdicts.add(await verdictOf(chain, anchors));
      expect([name, verdicts.size, verdicts.has("accepted")]).toEqual([name, 1, false]);
    }
  });
});
