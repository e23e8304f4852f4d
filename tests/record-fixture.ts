// A little world with one department below a national anchor: definition, records, log, status list. Signs whatever it is told.
import { encodeBase64, encodeBase64url } from "../src/crypto/base64.ts";
import { encodeUtf8, sha256 } from "../src/crypto/hash.ts";
import type { JsonObject } from "../src/crypto/json.ts";
import { signJws } from "../src/crypto/jws.ts";
import { buildSdJwt, formatSdJwt } from "../src/crypto/sd-jwt.ts";
import { generateSeed, type Signer } from "../src/crypto/signer.ts";
import { entityWithoutScheme } from "../src/federation/entity-identifier.ts";
import { formatCheckpoint } from "../src/log/checkpoint.ts";
import { commitment, formatEntry, type LogOperation, versionTag } from "../src/log/entry.ts";
import { appendLeaf, EMPTY_FRONTIER, frontierRoot, inclusionProof, leafHash, nodeHash } from "../src/log/merkle.ts";
import { signNote } from "../src/log/note.ts";
import { formatExtra, formatReceipt } from "../src/log/receipt.ts";
import { ridFromKey } from "../src/records/rid.ts";
import { packStatusList } from "../src/records/status-list.ts";
import type { Evidence } from "../src/verification/evidence.ts";
import {
  type ChainDraft,
  createSeededEntity,
  draftChain,
  type SeedOf,
  signChain,
  type TestEntity,
} from "./chain-fixture.ts";

export const NOW = 1_800_000_000;
export const REGISTRY_TYPE = "districts";

export const DEFINITION: JsonObject = {
  name: "districts",
  type: REGISTRY_TYPE,
  title: "Districts",
  access: "public",
  schema: {
    type: "object",
    additionalProperties: false,
    required: ["code", "name"],
    properties: {
      code: { type: "string", pattern: "^[0-9]{3}(-[A-Z]+)*$" },
      name: { type: "string", minLength: 1 },
      officer: { type: "string", "x-personal": true },
      parts: { type: "array", items: { type: "string" } },
    },
  },
};

/** Bytes that differ from test to test step but not from run to run. */
export function fixedBytes(label: string): Uint8Array {
  return sha256(`test\n${label}`);
}

export interface LoggedVersion {
  readonly jwt: string;
  readonly disclosures: readonly string[];
  readonly index: number;
  readonly salt: Uint8Array;
  readonly k: Uint8Array;
  readonly entry: Uint8Array;
}

export interface VersionDraft {
  readonly label?: string;
  readonly version?: number;
  readonly data?: JsonObject;
  readonly statusIndex?: number;
  readonly definition?: string;
  /** Laid over the payload; a member of undefined is left out. */
  readonly payload?: { readonly [claim: string]: JsonObject[string] | undefined };
  readonly signer?: Signer;
  readonly typ?: string;
  readonly operation?: LogOperation;
  readonly tag?: string;
}

export interface RecordWorld {
  readonly anchor: TestEntity;
  readonly node: TestEntity;
  readonly chain: ChainDraft;
  readonly statuses: Uint8Array;
  readonly statusUri: string;
  readonly origin: string;
  /** Leaf hashes of the log so far. */
  readonly leaves: Uint8Array[];
}

export function createRecordWorld(
  granted: readonly string[] = [REGISTRY_TYPE],
  seedOf: SeedOf = () => generateSeed(),
): RecordWorld {
  const [anchor, node] = [
    createSeededEntity("https://anchor.example", seedOf),
    createSeededEntity("https://local.example/node", seedOf),
  ];
  const chain = draftChain([node, anchor], [...new Set([REGISTRY_TYPE, ...granted])], NOW);
  const subordinate = chain.statements[1]!;
  subordinate.claims = {
    ...subordinate.claims,
    metadata_policy: { registry_node: { registry_types: { subset_of: [...granted] } } },
  };
  const statuses = new Uint8Array(4096);
  const origin = `${entityWithoutScheme(node.id)}/log/records`;
  return { anchor, node, chain, statuses, statusUri: `${node.id}/status/1`, origin, leaves: [] };
}

/** Adds entries of other records, so that proofs have a path. */
export function fillLog(world: RecordWorld, count: number): void {
  for (let i = 0; i < count; i++) world.leaves.push(leafHash(fixedBytes(`filler ${world.leaves.length}`)));
}

export async function logVersion(world: RecordWorld, draft: VersionDraft = {}): Promise<LoggedVersion> {
  const { label = "record", version = 1, definition = JSON.stringify(DEFINITION) } = draft;
  const k = fixedBytes(`key of ${label}`);
  const vct = `${world.node.id}/registries/districts/schema/1`;
  const payload = {
    iss: world.node.id,
    vct,
    "vct#integrity": `sha256-${encodeBase64(sha256(definition))}`,
    iat: NOW - 100,
    rid: ridFromKey(k),
    rver: version,
    rtype: REGISTRY_TYPE,
    ...(version > 1 && { prev: encodeBase64url(sha256(`version ${version - 1} of ${label}`)) }),
    act: { operation: version === 1 ? "create" : "amend", role: "registrar" },
    status: { status_list: { idx: draft.statusIndex ?? version, uri: world.statusUri } },
    data: draft.data ?? { code: "021", name: "Northmarch", officer: "A. Person", parts: ["upper", "lower"] },
    ...draft.payload,
  };
  const given = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined)) as JsonObject;
  let salts = 0;
  const built = buildSdJwt({
    payload: given,
    isDisclosable: (path) =>
      (path[0] === "data" && (path[1] === "officer" || path.length === 3)) || (path[0] === "act" && path[1] === "by"),
    salt: () => encodeBase64url(fixedBytes(`salt ${salts++} of ${label}`).slice(0, 16)),
  });
  const signer = draft.signer ?? world.node.record;
  const jwt = await signJws({ signer, typ: draft.typ ?? "dc+sd-jwt", payload: built.payload });
  const salt = fixedBytes(`entry salt of ${label} ${version}`);
  const operation = draft.operation ?? (version === 1 ? "create" : "amend");
  const entry = formatEntry({
    c: commitment(operation, salt, jwt),
    e: operation,
    r: draft.tag ?? versionTag(k, version),
    t: NOW - 90,
    v: 1,
  });
  world.leaves.push(leafHash(entry));
  return { jwt, disclosures: built.disclosures, index: world.leaves.length - 1, salt, k, entry };
}

function readNode(leaves: readonly Uint8Array[], level: number, index: number): Uint8Array {
  if (level === 0) return leaves[index]!;
  return nodeHash(readNode(leaves, level - 1, 2 * index), readNode(leaves, level - 1, 2 * index + 1));
}

export async function signCheckpoint(
  world: RecordWorld,
  options: { signer?: Signer; origin?: string; size?: number } = {},
): Promise<string> {
  const { origin = world.origin, size = world.leaves.length, signer = world.node.log } = options;
  const root = frontierRoot(world.leaves.slice(0, size).reduce(appendLeaf, EMPTY_FRONTIER));
  return signNote({ text: formatCheckpoint({ origin, size, root }), name: origin, signer });
}

export async function receiptOf(
  world: RecordWorld,
  logged: LoggedVersion,
  options: { hasKey?: boolean; size?: number; checkpoint?: string } = {},
): Promise<string> {
  const { hasKey = true, size = world.leaves.length } = options;
  return formatReceipt({
    index: logged.index,
    proof: inclusionProof(logged.index, size, (level, index) => readNode(world.leaves, level, index)),
    extra: formatExtra({ salt: logged.salt, entry: logged.entry, ...(hasKey && { k: logged.k }) }),
    checkpoint: options.checkpoint ?? (await signCheckpoint(world, { size })),
  });
}

export async function signStatusList(
  world: RecordWorld,
  changes: { signer?: Signer; typ?: string; claims?: JsonObject } = {},
): Promise<string> {
  return signJws({
    signer: changes.signer ?? world.node.status,
    typ: changes.typ ?? "statuslist+jwt",
    payload: {
      sub: world.statusUri,
      iat: NOW - 20,
      exp: NOW + 280,
      ttl: 5,
      status_list: { bits: 2, lst: await packStatusList(world.statuses) },
      ...changes.claims,
    },
  });
}

export async function evidenceOf(world: RecordWorld, logged: LoggedVersion): Promise<Evidence> {
  return {
    token: formatSdJwt(logged.jwt, logged.disclosures),
    receipts: { recent: await receiptOf(world, logged) },
    status: { token: await signStatusList(world) },
    chain: await signChain(world.chain),
    definition: JSON.stringify(DEFINITION),
  };
}

/** A world with a log of 70 entries and the evidence of one record in it. */
export async function createSample(
  draft: VersionDraft = {},
  granted?: readonly string[],
  seedOf?: SeedOf,
): Promise<{ world: RecordWorld; logged: LoggedVersion; evidence: Evidence }> {
  const world = createRecordWorld(granted, seedOf);
  fillLog(world, 41);
  const logged = await logVersion(world, draft);
  fillLog(world, 28);
  return { world, logged, evidence: await evidenceOf(world, logged) };
}

/** The text with the bits of `mask` turned over in one of its bytes. */
export function flipByte(text: string, at: number, mask: number): string {
  const bytes = encodeUtf8(text).slice();
  bytes[at] = bytes[at]! ^ mask;
  return new TextDecoder().decode(bytes);
}
