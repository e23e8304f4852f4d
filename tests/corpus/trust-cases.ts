// Corpus: who vouches for the issuer, what it may sign, the definition, the times and the status list, each wrong in one thing.
import { encodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { VerificationCode } from "../../src/verification/report.ts";
import { signChain } from "../chain-fixture.ts";
import {
  createRecordWorld,
  DEFINITION,
  evidenceOf,
  logVersion,
  NOW,
  receiptOf,
  signStatusList,
  type VersionDraft,
} from "../record-fixture.ts";
import { archivedSample, LATER, reportedSample, reportKey, statusReceiptSample } from "./chain-changes.ts";
import {
  type CorpusCase,
  changed,
  corpusSeeds,
  impostorSeeds,
  invalid,
  type Sample,
  sample,
  undecided,
} from "./corpus-case.ts";

type Signature = Parameters<typeof signStatusList>[1];

const issuer = (code: VerificationCode, label: string, change: (made: Sample) => unknown, draft?: VersionDraft) =>
  invalid("issuer", code, label, changed(change, draft));

/** The sample with its chain signed again after a change to the drafts of its statements. */
const rechained = (code: VerificationCode, label: string, change: (made: Sample) => void) =>
  issuer(code, label, async (made) => {
    change(made);
    return { ...made.evidence, chain: await signChain(made.world.chain) };
  });

const ISSUERS: readonly CorpusCase[] = [
  invalid("issuer", "issuer_unknown", "same-names-other-keys", async () => {
    const world = createRecordWorld(undefined, impostorSeeds);
    return evidenceOf(world, await logVersion(world));
  }),
  issuer("issuer_unknown", "its-own-anchor", ({ evidence }) => ({ ...evidence, chain: evidence.chain.slice(0, 1) })),
  issuer("issuer_mismatch", "of-another-department", ({ evidence }) => evidence, {
    payload: { iss: "https://other.example", vct: "https://other.example/registries/districts/schema/1" },
  }),
  undecided(
    "issuer",
    "chain_expired",
    "an-hour-later",
    changed(({ evidence }) => evidence),
    NOW + 3_600,
  ),
  undecided(
    "issuer",
    "chain_expired",
    "before-it-was-signed",
    changed(({ evidence }) => evidence),
    NOW - 3_600,
  ),
  undecided(
    "issuer",
    "chain_expired",
    "superior-fell-silent",
    changed(async ({ world, evidence }) => {
      world.chain.statements[1]!.claims.exp = NOW;
      return { ...evidence, chain: await signChain(world.chain) };
    }),
  ),
  rechained("chain_signature_invalid", "department-vouches-for-itself", ({ world }) => {
    world.chain.statements[1]!.signer = world.node.federation;
  }),
  issuer("chain_signature_invalid", "bit-of-a-statement", ({ evidence: { chain, ...evidence } }) => ({
    ...evidence,
    chain: [
      chain[0],
      `${chain[1]!.slice(0, -10)}${chain[1]!.at(-10) === "A" ? "B" : "A"}${chain[1]!.slice(-9)}`,
      chain[2],
    ],
  })),
  issuer("chain_invalid", "empty", ({ evidence }) => ({ ...evidence, chain: [] })),
  issuer("chain_invalid", "no-anchor-in-it", ({ evidence }) => ({ ...evidence, chain: evidence.chain.slice(0, 2) })),
  issuer("chain_invalid", "no-statements", ({ evidence }) => ({ ...evidence, chain: ["x", "y", "z"] })),
  rechained("chain_invalid", "superior-not-named", ({ world }) => {
    world.chain.statements[0]!.claims.authority_hints = ["https://other.example"];
  }),
  rechained("chain_invalid", "log-elsewhere", ({ world }) => {
    const { registry_node: node } = world.chain.statements[0]!.claims.metadata as { registry_node: JsonObject };
    node!.logs = { records: { origin: "elsewhere.example/log/records", vkeys: [] } };
  }),
  rechained("chain_invalid", "says-itself-what-it-was", ({ world }) => {
    const { registry_node: node } = world.chain.statements[0]!.claims.metadata as { registry_node: JsonObject };
    node!.formerly = [{ entity: "https://other.example" }];
  }),
  invalid("issuer", "archive_unproved", "archived-after-the-record", async () => {
    const { evidence, archive } = await archivedSample("after");
    return { ...evidence, chain: undefined, archive };
  }),
  invalid("issuer", "archive_unproved", "another-chain-in-its-entry", async () => {
    const { evidence, archive } = await archivedSample("before");
    const other = createRecordWorld(["districts", "blocks"], corpusSeeds);
    return { ...evidence, chain: undefined, archive: { ...archive, chain: await signChain(other.chain) } };
  }),
  invalid(
    "signature",
    "key_compromised",
    "reported-since-by-a-chain-that-expired",
    async () => {
      const { world, evidence, archive } = await archivedSample("before");
      reportKey(world, 5);
      const status = { token: await signStatusList(world, { claims: { iat: LATER - 20, exp: LATER + 280 } }) };
      return { ...evidence, status, archive, chain: await signChain(world.chain) };
    },
    LATER,
  ),
  invalid("issuer", "archive_unproved", "damaged-though-not-needed", async () => {
    const { evidence, archive } = await archivedSample("before");
    return { ...evidence, archive: { ...archive, chain: archive.chain.slice(0, 2) } };
  }),
  invalid("issuer", "chain_invalid", "archive-does-not-help-a-wrong-chain", async () => {
    const { evidence, archive } = await archivedSample("before");
    return { ...evidence, chain: evidence.chain.slice(0, 2), archive };
  }),
];

const REPORTED: readonly CorpusCase[] = [
  invalid("signature", "key_compromised", "logged-after-the-theft", () => reportedSample(41)),
  invalid("signature", "key_compromised", "backdated-by-a-year", () =>
    reportedSample(41, { payload: { iat: NOW - 365 * 86_400 } }),
  ),
  invalid("signature", "key_compromised", "no-place-in-the-log", async () => ({
    ...(await reportedSample(42)),
    receipts: undefined,
  })),
];

const granted = (label: string, types: readonly string[]): CorpusCase =>
  invalid("authority", "authority_not_granted", label, async () => (await sample({}, types)).evidence);

const AUTHORITIES: readonly CorpusCase[] = [
  granted("of-no-type", []),
  granted("of-another-type", ["blocks"]),
  invalid(
    "authority",
    "authority_not_granted",
    "superior-is-silent",
    changed(async ({ world, evidence }) => {
      world.chain.statements[1]!.claims.metadata_policy = {};
      return { ...evidence, chain: await signChain(world.chain) };
    }),
  ),
];

/** The issuer signed for this definition, whatever it is. */
const defined = (code: VerificationCode, label: string, definition: string): CorpusCase =>
  invalid(
    "schema",
    code,
    label,
    changed(({ evidence }) => ({ ...evidence, definition }), { definition }),
  );

const variant = (changes: JsonObject): string => JSON.stringify({ ...DEFINITION, ...changes });

const data = (label: string, value: JsonObject): CorpusCase =>
  invalid(
    "schema",
    "data_invalid",
    label,
    changed(({ evidence }) => evidence, { data: value }),
  );

const SCHEMAS: readonly CorpusCase[] = [
  invalid(
    "schema",
    "definition_mismatch",
    "a-space-more",
    changed(({ evidence }) => ({ ...evidence, definition: `${evidence.definition} ` })),
  ),
  invalid(
    "schema",
    "definition_mismatch",
    "empty",
    changed(({ evidence }) => ({ ...evidence, definition: "" })),
  ),
  defined("definition_invalid", "unknown-access", variant({ access: "friends" })),
  defined("definition_invalid", "no-json", "{"),
  defined("definition_foreign", "of-another-type", variant({ type: "blocks" })),
  defined("definition_foreign", "of-another-registry", variant({ name: "blocks" })),
  defined("definition_unsupported", "dynamic-reference", variant({ schema: { $dynamicRef: "#x" } })),
  defined(
    "definition_unsupported",
    "pattern-that-runs-for-ever",
    variant({ schema: { properties: { name: { pattern: "^(a+)+$" } } } }),
  ),
  data("pattern", { code: "21", name: "Northmarch" }),
  data("lacks-a-field", { code: "021" }),
];

const timed = (code: VerificationCode, label: string, payload: JsonObject): CorpusCase =>
  invalid(
    "validity",
    code,
    label,
    changed(({ evidence }) => evidence, { payload }),
  );

const time = (seconds: number) => new Date((NOW + seconds) * 1_000).toISOString();

const TIMES: readonly CorpusCase[] = [
  timed("issued_in_future", "by-an-hour", { iat: NOW + 3_600 }),
  timed("token_not_yet_valid", "before-its-time", { nbf: NOW + 61 }),
  timed("token_expired", "this-second", { exp: NOW }),
  timed("not_yet_effective", "next-second", { valid_from: time(1) }),
  timed("no_longer_effective", "this-second", { valid_until: time(0) }),
];

const withList = (changes: Signature) =>
  changed(async ({ world, evidence }) => ({ ...evidence, status: { token: await signStatusList(world, changes) } }));

const listed = (code: VerificationCode, label: string, changes: Signature): CorpusCase =>
  invalid("status", code, label, withList(changes));

const outdated = (label: string, claims: JsonObject): CorpusCase =>
  undecided("status", "status_stale", label, withList({ claims }));

const list = (lst: string, bits = 2): Signature => ({ claims: { status_list: { bits, lst } } });

const marked = (code: VerificationCode, value: number): CorpusCase =>
  invalid(
    "status",
    code,
    `value-${value}`,
    changed(async ({ world, evidence }) => {
      world.statuses[1] = value;
      return { ...evidence, status: { token: await signStatusList(world) } };
    }),
  );

const STATUSES: readonly CorpusCase[] = [
  marked("status_revoked", 1),
  marked("status_suspended", 2),
  marked("status_superseded", 3),
  listed("status_list_mismatch", "of-another-list", { claims: { sub: "https://local.example/node/status/2" } }),
  invalid(
    "status",
    "status_list_foreign",
    "elsewhere",
    changed(({ evidence }) => evidence, {
      payload: { status: { status_list: { idx: 1, uri: "https://local.example/node.evil/status/1" } } },
    }),
  ),
  invalid(
    "status",
    "status_signature_invalid",
    "by-the-record-key",
    changed(async ({ world, evidence }) => ({
      ...evidence,
      status: { token: await signStatusList(world, { signer: world.node.record }) },
    })),
  ),
  listed("status_list_invalid", "of-another-kind", { typ: "dc+sd-jwt" }),
  listed("status_list_invalid", "one-bit", list("eNrbuRgAAhcBXQ", 1)),
  listed("status_list_invalid", "not-compressed", list(encodeBase64url(new Uint8Array(64)))),
  invalid(
    "status",
    "status_index_out_of_range",
    "behind-the-end",
    changed(({ evidence }) => evidence, { statusIndex: 4_096 }),
  ),
  invalid("status", "status_unproved", "receipt-of-another-list", () => statusReceiptSample("another's")),
  invalid("status", "status_unproved", "damaged-receipt", async () => {
    const { status, ...evidence } = await statusReceiptSample();
    return { ...evidence, status: { ...status, receipt: status.receipt!.replace("\nindex 70\n", "\nindex 69\n") } };
  }),
  outdated("too-old", { iat: NOW - 301, exp: NOW + 1_000 }),
  outdated("expired", { exp: NOW }),
  listed("status_issued_in_future", "by-two-minutes", { claims: { iat: NOW + 120, exp: NOW + 600 } }),
];

const BINDINGS: readonly CorpusCase[] = [
  undecided("binding", "presentation_missing", "personal-record", async () => {
    const definition = variant({ access: "consent" });
    const { world, logged, evidence } = await sample({ definition });
    return { ...evidence, definition, receipts: { recent: await receiptOf(world, logged, { hasKey: false }) } };
  }),
];

export const TRUST_CASES: readonly CorpusCase[] = [
  ...ISSUERS,
  ...REPORTED,
  ...AUTHORITIES,
  ...SCHEMAS,
  ...TIMES,
  ...STATUSES,
  ...BINDINGS,
];
