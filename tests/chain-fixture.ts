// Entities with fresh keys and chains of their statements, for tests. Signs whatever it is told, true or not.
import { encodeBase64url } from "../src/crypto/base64.ts";
import { encodeUtf8 } from "../src/crypto/hash.ts";
import type { JsonObject } from "../src/crypto/json.ts";
import type { PublicKey } from "../src/crypto/keys.ts";
import { createSigner, generateSeed, type Signer } from "../src/crypto/signer.ts";
import { entityWithoutScheme } from "../src/federation/entity-identifier.ts";
import type { AnchorPin } from "../src/federation/trust-chain.ts";
import { formatVerifierKey } from "../src/log/note.ts";

export interface TestEntity {
  readonly id: string;
  readonly federation: Signer;
  readonly record: Signer;
  readonly status: Signer;
  readonly request: Signer;
  readonly log: Signer;
}

export type SeedOf = (label: string) => Uint8Array;

export function createEntity(id: string): TestEntity {
  return createSeededEntity(id, () => generateSeed());
}

/** An entity whose keys are the same from run to run. */
export function createSeededEntity(id: string, seedOf: SeedOf): TestEntity {
  const signer = (role: string): Signer => createSigner(seedOf(`${id} ${role}`));
  return {
    id,
    federation: signer("federation"),
    record: signer("record"),
    status: signer("status"),
    request: signer("request"),
    log: signer("log"),
  };
}

export function keySet(...keys: PublicKey[]): JsonObject {
  return { keys: keys.map((key) => ({ ...key.jwk })) };
}

export function nodeMetadata(entity: TestEntity, registryTypes: readonly string[]): JsonObject {
  const origin = `${entityWithoutScheme(entity.id)}/log/records`;
  return {
    organization_name: `Department at ${entity.id}`,
    contacts: ["registry@example.org"],
    registry_types: [...registryTypes],
    jwks: keySet(entity.record.publicKey),
    status_jwks: keySet(entity.status.publicKey),
    request_jwks: keySet(entity.request.publicKey),
    logs: { records: { origin, vkeys: [formatVerifierKey({ name: origin, raw: entity.log.publicKey.raw })] } },
    records_read_endpoint: `${entity.id}/records:read`,
    resolve_endpoint: `${entity.id}/resolve`,
  };
}

export function pinOf(entity: TestEntity, registryTypes: readonly string[]): AnchorPin {
  return { entity: entity.id, jwks: { keys: [entity.federation.publicKey.jwk] }, registry_types: registryTypes };
}

/** A statement before it is signed: each part may be falsified. */
export interface StatementDraft {
  header: JsonObject;
  claims: JsonObject;
  signer: Signer;
}

/** A chain before it is signed. */
export interface ChainDraft {
  readonly entities: readonly TestEntity[];
  statements: StatementDraft[];
  anchors: AnchorPin[];
  now: number;
}

function draft(signer: Signer, claims: JsonObject): StatementDraft {
  return { header: { alg: "Ed25519", typ: "entity-statement+jwt", kid: signer.publicKey.kid }, claims, signer };
}

export function draftConfiguration(
  entity: TestEntity,
  options: { superiors: readonly string[]; registryTypes: readonly string[]; now: number },
): StatementDraft {
  return draft(entity.federation, {
    iss: entity.id,
    sub: entity.id,
    iat: options.now - 10,
    exp: options.now + 3_600,
    jwks: keySet(entity.federation.publicKey),
    metadata: { registry_node: nodeMetadata(entity, options.registryTypes) },
    ...(options.superiors.length > 0 && { authority_hints: [...options.superiors] }),
  });
}

export function draftSubordinate(
  issuer: TestEntity,
  subject: TestEntity,
  options: { registryTypes: readonly string[]; now: number },
): StatementDraft {
  return draft(issuer.federation, {
    iss: issuer.id,
    sub: subject.id,
    iat: options.now - 10,
    exp: options.now + 3_600,
    jwks: keySet(subject.federation.publicKey),
    metadata_policy: { registry_node: { registry_types: { subset_of: [...options.registryTypes] } } },
  });
}

/** A true chain of `entities`, the subject first and the anchor last, in which everyone declares and grants `registryTypes`. */
export function draftChain(entities: readonly TestEntity[], registryTypes: readonly string[], now: number): ChainDraft {
  const anchor = entities.at(-1)!;
  const superiors = entities.slice(1, 2).map((entity) => entity.id);
  const statements = [draftConfiguration(entities[0]!, { superiors, registryTypes, now })];
  for (let j = 1; j < entities.length; j++) {
    statements.push(draftSubordinate(entities[j]!, entities[j - 1]!, { registryTypes, now }));
  }
  if (entities.length > 1) statements.push(draftConfiguration(anchor, { superiors: [], registryTypes, now }));
  return { entities, statements, anchors: [pinOf(anchor, registryTypes)], now };
}

export async function signDraft({ header, claims, signer }: StatementDraft): Promise<string> {
  const part = (value: JsonObject): string => encodeBase64url(encodeUtf8(JSON.stringify(value)));
  const signingInput = `${part(header)}.${part(claims)}`;
  return `${signingInput}.${encodeBase64url(await signer.sign(encodeUtf8(signingInput)))}`;
}

export function signChain(chain: ChainDraft): Promise<string[]> {
  return Promise.all(chain.statements.map(signDraft));
}
