// Corpus: true evidence in every form that a true issuer, an honest holder or a file's way through the world gives it.
import { encodeBase64 } from "../../src/crypto/base64.ts";
import { sha256 } from "../../src/crypto/hash.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { formatSdJwt } from "../../src/crypto/sd-jwt.ts";
import { createSeededEntity, draftChain, keySet, signChain } from "../chain-fixture.ts";
import {
  createRecordWorld,
  DEFINITION,
  evidenceOf,
  fillLog,
  logVersion,
  NOW,
  REGISTRY_TYPE,
  type RecordWorld,
  receiptOf,
  signCheckpoint,
  signStatusList,
  type VersionDraft,
} from "../record-fixture.ts";
import { archivedSample, changeNode, LATER, reportedSample, statusReceiptSample } from "./chain-changes.ts";
import { type CorpusCase, changed, corpusSeeds, type Sample, sample, valid } from "./corpus-case.ts";

const plain = (
  label: string,
  draft: VersionDraft = {},
  change: (made: Sample) => unknown = ({ evidence }) => evidence,
) => valid(label, changed(change, draft));

const time = (seconds: number) => new Date((NOW + seconds) * 1_000).toISOString();

const shown = (label: string, keep: (at: number) => boolean) =>
  plain(label, {}, ({ evidence, logged }) => ({
    ...evidence,
    token: formatSdJwt(
      logged.jwt,
      logged.disclosures.filter((_, at) => keep(at)),
    ),
  }));

/** A log of `size` entries with the record at `index`. */
const placed = (index: number, size: number): CorpusCase =>
  valid(`entry-${index}-of-${size}`, async () => {
    const world = createRecordWorld(undefined, corpusSeeds);
    fillLog(world, index);
    const logged = await logVersion(world);
    fillLog(world, size - index - 1);
    return evidenceOf(world, logged);
  });

async function archivedLater(chain: "expired" | "missing"): Promise<unknown> {
  const { world, evidence, archive } = await archivedSample("before");
  const status = { token: await signStatusList(world, { claims: { iat: LATER - 20, exp: LATER + 280 } }) };
  return { ...evidence, status, archive, chain: chain === "expired" ? evidence.chain : undefined };
}

const BY_ARCHIVE = { check: "issuer", code: "passed_by_archive" } as const;

const nextKeys = () => keySet(createSeededEntity("https://next.example", corpusSeeds).record.publicKey);

/** A record whose chain was archived before it, and the statements of today, which have changed since. */
async function archivedSince(change: (world: RecordWorld) => void): Promise<unknown> {
  const { world, evidence, archive } = await archivedSample("before");
  change(world);
  return { ...evidence, archive, chain: await signChain(world.chain) };
}

async function deepChain(): Promise<unknown> {
  const { world, logged } = await sample();
  const middle = createSeededEntity("https://state.example", corpusSeeds);
  const { statements } = draftChain([world.node, middle, world.anchor], [REGISTRY_TYPE], NOW);
  world.chain.statements = statements;
  return evidenceOf(world, logged);
}

async function movedNode(): Promise<unknown> {
  const { world, logged } = await sample();
  const moved = { ...createSeededEntity("https://moved.example", corpusSeeds), record: world.node.record };
  const chain = draftChain([{ ...moved, status: world.node.status }, world.anchor], [REGISTRY_TYPE], NOW);
  const [configuration, subordinate] = chain.statements;
  const { registry_node: before } = world.chain.statements[0]!.claims.metadata as { registry_node: JsonObject };
  const { registry_node: after } = configuration!.claims.metadata as { registry_node: JsonObject };
  after!.logs = before!.logs!;
  subordinate!.claims.metadata = { registry_node: { formerly: [{ entity: world.node.id }] } };
  return { ...(await evidenceOf(world, logged)), chain: await signChain(chain) };
}

const FORMS: readonly CorpusCase[] = [
  plain("plain"),
  plain("version-2", { version: 2 }),
  plain("first-receipt-too", {}, async ({ world, logged, evidence }) => ({
    ...evidence,
    receipts: { ...evidence.receipts, first: await receiptOf(world, logged, { size: 42 }) },
  })),
  plain("spread-over-lines", {}, ({ evidence }) => `\n${JSON.stringify(evidence, null, 4)}\r\n`),
  plain("members-in-another-order", {}, ({ evidence }) =>
    JSON.stringify(Object.fromEntries(Object.entries(evidence).reverse())),
  ),
  plain("with-escapes", {}, ({ evidence }) => JSON.stringify(evidence).replaceAll("districts", "\\u0064istricts")),
  shown("all-withheld", () => false),
  shown("one-withheld", (at) => at !== 0),
  plain("disclosures-in-another-order", {}, ({ evidence, logged }) => ({
    ...evidence,
    token: formatSdJwt(logged.jwt, logged.disclosures.toReversed()),
  })),
  plain(
    "act-withheld",
    { payload: { act: { operation: "create", role: "registrar", by: "a pseudonym" } } },
    (made) => ({
      ...made.evidence,
      token: formatSdJwt(made.logged.jwt, []),
    }),
  ),
  plain("identifier", { payload: { identifier: "BR-2026-00000042" } }),
  plain("succeeds-others", {
    payload: {
      replaces: ["https://local.example/node/registries/districts/records/d8989cce-a4e3-8a7a-b4cc-df2f5e151569"],
    },
  }),
  plain("unknown-claim", { payload: { note: "unknown claims are ignored" } }),
  plain("other-scripts", {
    data: { code: "021-A-B", name: "उत्तर जिला · 北区 · Ñandú 🏛", officer: "श्री अ", parts: ["‏صح", "é", "é"] },
  }),
  plain("long-text", { data: { code: "021", name: "N".repeat(20_000) } }),
  plain("two-hundred-parts", {
    data: { code: "021", name: "N", parts: Array.from({ length: 200 }, (_, at) => `part ${at}`) },
  }),
];

const TIMES: readonly CorpusCase[] = [
  plain("signed-within-the-skew", { payload: { iat: NOW + 30, nbf: NOW + 60 } }),
  plain("expires-next-second", { payload: { exp: NOW + 1 } }),
  plain("in-effect-from-now", { payload: { valid_from: time(0) } }),
  plain("in-effect-until-today", { payload: { valid_until: time(0).slice(0, 10) } }),
  valid(
    "freshest-moment-that-is-left",
    changed(({ evidence }) => evidence),
    { now: NOW + 279 },
  ),
];

const PLACES: readonly CorpusCase[] = [
  placed(0, 1),
  placed(0, 2),
  placed(6, 7),
  placed(63, 64),
  placed(64, 65),
  placed(256, 600),
  plain("cosigned-by-whomever", {}, async ({ world, logged, evidence }) => {
    const line = `— witness.example ${encodeBase64(sha256("cosignature"))}\n`;
    const checkpoint = `${await signCheckpoint(world)}${line}`;
    return { ...evidence, receipts: { recent: await receiptOf(world, logged, { checkpoint }) } };
  }),
  plain("neighbours-revoked", { statusIndex: 2_000 }, async ({ world, evidence }) => {
    world.statuses.fill(1).set([0], 2_000);
    return { ...evidence, status: { token: await signStatusList(world) } };
  }),
  plain("last-of-its-list", { statusIndex: 4_095 }),
];

const CHAINS: readonly CorpusCase[] = [
  valid("three-levels", deepChain),
  valid("superior-grants-more", async () => (await sample({}, [REGISTRY_TYPE, "blocks"])).evidence),
  valid("moved-department", movedNode),
  plain("second-record-key", {}, async ({ world, logged }) => {
    const next = createSeededEntity("https://next.example", corpusSeeds).record.publicKey;
    changeNode(world, { jwks: keySet(next, world.node.record.publicKey) });
    return evidenceOf(world, logged);
  }),
  plain("members-registry", { definition: JSON.stringify({ ...DEFINITION, access: "members" }) }, ({ evidence }) => ({
    ...evidence,
    definition: JSON.stringify({ ...DEFINITION, access: "members" }),
  })),
  valid("reported-key-before-the-theft", () => reportedSample(42), {
    check: "signature",
    code: "passed_before_report",
  }),
  valid("archive-not-needed", async () => {
    const { evidence, archive } = await archivedSample("before");
    return { ...evidence, archive };
  }),
  valid("status-list-in-the-log", () => statusReceiptSample()),
  valid("key-no-longer-named", () => archivedSince((world) => changeNode(world, { jwks: nextKeys() })), BY_ARCHIVE),
  valid(
    "type-no-longer-granted",
    () =>
      archivedSince(({ chain }) => {
        chain.statements[1]!.claims.metadata_policy = { registry_node: { registry_types: { subset_of: [] } } };
      }),
    BY_ARCHIVE,
  ),
  valid("statements-of-then", () => archivedLater("missing"), { now: LATER, ...BY_ARCHIVE }),
  valid("statements-expired-since", () => archivedLater("expired"), { now: LATER, ...BY_ARCHIVE }),
];

export const VALID_CASES: readonly CorpusCase[] = [...FORMS, ...TIMES, ...PLACES, ...CHAINS];
