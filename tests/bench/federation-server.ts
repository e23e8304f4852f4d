// A whole federation in one process, each entity below a path of its own: an anchor, its superiors, their departments, with keys
// and statements made by our code when first asked for. A process of its own, so that what it costs is not the directory's.
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { jwkThumbprint, type PublicKey } from "../../src/crypto/keys.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import { entityWithoutScheme } from "../../src/federation/entity-identifier.ts";
import { signEntityConfiguration, signSubordinateStatement } from "../../src/federation/entity-statement.ts";
import { formatVerifierKey } from "../../src/log/note.ts";

const DEPARTMENTS = Number(process.env.BENCH_DEPARTMENTS);
const SUPERIORS = Number(process.env.BENCH_SUPERIORS);
const SECONDS = 3_600;
const TYPES = ["births", "deaths", "districts", "land-parcels", "vehicles", "water-connections"];

interface Entity {
  readonly id: string;
  readonly superior: string | undefined;
  readonly signer: Signer;
  types: readonly string[];
  updated: number;
  configuration: Promise<string> | undefined;
  statement: Promise<string> | undefined;
}

// As createSigner, without its proof that the key is sound: these keys were made here, and there are fifty thousand.
function createKey(): { publicKey: PublicKey; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  // RFC 8410: the key is what an SPKI ends with. Not by an export as JWK, in which Node 20 was seen to wait for itself for ever.
  const raw = new Uint8Array(publicKey.export({ type: "spki", format: "der" }).subarray(-32));
  const kid = jwkThumbprint(raw);
  const x = encodeBase64url(raw);
  return { publicKey: { kid, raw, jwk: { kty: "OKP", crv: "Ed25519", x, kid } }, privateKey };
}

function createSigner(): Signer {
  const { publicKey, privateKey } = createKey();
  return { publicKey, sign: (message) => sign(null, message, privateKey) };
}

const startedAt = Math.floor(Date.now() / 1_000);
const entities = new Map<string, Entity>();
const below = new Map<string, Entity[]>();
const spent = { requests: 0, bytes: 0 };
let base = "";

function createEntity(path: string, superior: string | undefined, types: readonly string[]): Entity {
  const entity: Entity = {
    id: `${base}/${path}`,
    superior,
    signer: createSigner(),
    types,
    updated: startedAt,
    configuration: undefined,
    statement: undefined,
  };
  entities.set(entity.id, entity);
  if (superior !== undefined) below.set(superior, [...(below.get(superior) ?? []), entity]);
  return entity;
}

function keySet(key: PublicKey): JsonObject {
  return { keys: [{ ...key.jwk }] };
}

function describeEntity({ id, types, superior }: Entity): JsonObject {
  const origin = `${entityWithoutScheme(id)}/log/records`;
  const name = `Department of Registration and Records, Office ${id.slice(id.lastIndexOf("/") + 1)}`;
  return {
    federation_entity: {
      organization_name: name,
      ...(below.has(id) && {
        federation_fetch_endpoint: `${id}/federation/fetch`,
        federation_list_endpoint: `${id}/federation/list`,
        federation_extended_list_endpoint: `${id}/federation/extended-list`,
      }),
    },
    registry_node: {
      organization_name: name,
      registry_types: superior === undefined ? [] : [...types],
      jwks: keySet(createKey().publicKey),
      status_jwks: keySet(createKey().publicKey),
      request_jwks: keySet(createKey().publicKey),
      logs: { records: { origin, vkeys: [formatVerifierKey({ name: origin, raw: createKey().publicKey.raw })] } },
      records_read_endpoint: `${id}/records:read`,
      resolve_endpoint: `${id}/resolve`,
    },
  };
}

function terms({ signer }: Entity, by: Signer) {
  const issuedAt = Math.floor(Date.now() / 1_000);
  return { signer: by, issuedAt, expiresAt: issuedAt + SECONDS, keys: [signer.publicKey] };
}

function configurationOf(entity: Entity): Promise<string> {
  entity.configuration ??= signEntityConfiguration({
    ...terms(entity, entity.signer),
    entity: entity.id,
    superiors: entity.superior === undefined ? [] : [entity.superior],
    metadata: describeEntity(entity),
  });
  return entity.configuration;
}

function statementOf(entity: Entity): Promise<string> {
  const superior = entities.get(entity.superior!)!;
  entity.statement ??= signSubordinateStatement({
    ...terms(entity, superior.signer),
    issuer: superior.id,
    subject: entity.id,
    registryTypes: entity.types,
    sourceEndpoint: `${superior.id}/federation/fetch`,
  });
  return entity.statement;
}

async function listExtended(superior: string, query: URLSearchParams): Promise<string> {
  const since = Number(query.get("updated_after") ?? 0);
  const from = query.get("from_entity_id") ?? "";
  const limit = Number(query.get("limit") ?? 100);
  const all = (below.get(superior) ?? []).filter(({ id, updated }) => updated >= since && id >= from);
  all.sort((a, b) => (a.id < b.id ? -1 : 1));
  const lines = await Promise.all(
    all.slice(0, limit).map(async (entity) => ({
      id: entity.id,
      status: "active",
      subordinate_statement: await statementOf(entity),
      registered: startedAt,
      updated: entity.updated,
    })),
  );
  const next = all[limit]?.id;
  return JSON.stringify({ immediate_subordinate_entities: lines, ...(next && { next_entity_id: next }) });
}

/** So many departments, spread over all, are granted one type less. */
function change(count: number): string {
  const departments = [...entities.values()].filter(({ id }) => id.includes("/d"));
  for (let j = 0; j < count; j++) {
    const entity = departments[Math.floor((j * departments.length) / count)]!;
    entity.types = entity.types.slice(1);
    entity.updated = Math.floor(Date.now() / 1_000);
    entity.statement = undefined;
    entity.configuration = undefined;
  }
  return "{}";
}

async function answer(url: URL): Promise<{ text: string; type: string }> {
  const entityType = "application/entity-statement+jwt";
  const json = "application/json";
  const [, name = "", ...rest] = url.pathname.split("/");
  if (name === "spent") {
    const text = JSON.stringify(spent);
    Object.assign(spent, { requests: 0, bytes: 0 });
    return { text, type: json };
  }
  if (name === "change") return { text: change(Number(url.searchParams.get("n"))), type: json };
  const entity = entities.get(`${base}/${name}`);
  if (entity === undefined) return { text: "", type: "text/plain" };
  const path = rest.join("/");
  if (path === ".well-known/openid-federation") return { text: await configurationOf(entity), type: entityType };
  if (path === "federation/extended-list") return { text: await listExtended(entity.id, url.searchParams), type: json };
  const subject = entities.get(url.searchParams.get("sub") ?? "");
  return { text: subject === undefined ? "" : await statementOf(subject), type: entityType };
}

async function respond(url: URL, response: ServerResponse): Promise<void> {
  const { text, type } = await answer(url);
  spent.requests++;
  spent.bytes += text.length;
  response.writeHead(text === "" ? 404 : 200, { "content-type": type, "content-length": text.length }).end(text);
}

const server = createServer((request, response) => void respond(new URL(request.url!, base || "http://x"), response));
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", async () => {
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const anchor = createEntity("anchor", undefined, TYPES);
  const superiors = Array.from({ length: SUPERIORS }, (_, j) => createEntity(`s${j}`, anchor.id, TYPES));
  const departments = Array.from({ length: DEPARTMENTS }, (_, j) =>
    createEntity(`d${j}`, superiors[j % SUPERIORS]!.id, [TYPES[j % 6]!, TYPES[(j + 1) % 6]!].sort()),
  );
  // Signed beforehand: offices do not wait for the directory to make their keys.
  for (const entity of entities.values()) {
    await configurationOf(entity);
    if (entity.superior !== undefined) await statementOf(entity);
  }
  process.send?.({
    anchor: { entity: anchor.id, jwks: keySet(anchor.signer.publicKey), registry_types: TYPES },
    departments: departments.map(({ id }) => id),
    base,
  });
});
process.once("disconnect", () => process.exit(0));
