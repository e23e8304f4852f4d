// Applying to a superior: what it takes, what it refuses by name, and that no stranger makes it ask anybody anything.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import type { Signer } from "../../src/crypto/signer.ts";
import type { AttestryError } from "../../src/errors.ts";
import { signDeparture } from "../../src/federation/departure.ts";
import * as limits from "../../src/limits.ts";
import { createEntity, draftConfiguration, type StatementDraft, signDraft, type TestEntity } from "../chain-fixture.ts";
import { type CountedClient, createCountedClient } from "../counted-client.ts";
import { type Answer, startTestNode, type TestNode } from "../node-fixture.ts";
import { refusal } from "../record-calls.ts";

const START = 1_900_000_000;
const TYPES = ["districts"];
const DAY = 86_400;
const OTHER_SUPERIOR = "https://another.example.org";

let now = START;
let node: TestNode;
let client: CountedClient;
let applicant: TestEntity;
let number = 0;

beforeAll(async () => {
  client = createCountedClient();
  node = await startTestNode({ clock: () => now, httpClient: client });
});

beforeEach(() => {
  applicant = createEntity(`https://department-${++number}.example.org`);
});

afterEach(async () => {
  now = START;
  client.urls.length = 0;
  await node.database.database.sql`delete from enrolment`;
});

afterAll(() => node?.close());

function configurationOf(entity: TestEntity, edit: (draft: StatementDraft) => void = () => {}): Promise<string> {
  const draft = draftConfiguration(entity, { superiors: [node.entity], registryTypes: TYPES, now });
  edit(draft);
  return signDraft(draft);
}

const post = (configuration: string): Promise<Answer> =>
  node.request("POST", "/federation/enrolments", { json: { configuration } });

async function apply(entity: TestEntity = applicant): Promise<{ id: string; challenge: string }> {
  const { status, body, text } = await post(await configurationOf(entity));
  expect([status, body.state], text).toEqual([200, "challenged"]);
  return { id: String(body.id), challenge: String(body.challenge) };
}

/** A proof as the documentation of the operation describes it, written here apart from the code that is tested. */
async function proofOf(
  challenge: string,
  {
    signer = applicant.federation,
    header = {},
    claims = {},
  }: { signer?: Signer; header?: JsonObject; claims?: JsonObject } = {},
): Promise<string> {
  const part = (value: JsonObject): string => encodeBase64url(encodeUtf8(JSON.stringify(value)));
  const head = part({ alg: "Ed25519", typ: "attestry-enrolment+jwt", kid: signer.publicKey.kid, ...header });
  const times = { iat: now, exp: now + 300 };
  const body = part({ iss: applicant.id, aud: node.entity, nonce: challenge, ...times, ...claims });
  return `${head}.${body}.${encodeBase64url(await signer.sign(encodeUtf8(`${head}.${body}`)))}`;
}

const sendProof = (id: string, proof: string): Promise<Answer> =>
  node.request("POST", `/federation/enrolments/${id}/proof`, { json: { proof } });

async function applyAndProve(options: { code?: string; entity?: TestEntity } = {}): Promise<Answer> {
  const { entity = applicant, code } = options;
  const { id, challenge } = await apply(entity);
  const claims = { iss: entity.id, ...(code !== undefined && { code }) };
  return sendProof(id, await proofOf(challenge, { signer: entity.federation, claims }));
}

const statusOf = (id: unknown): Promise<Answer> => node.request("GET", `/federation/enrolments/${String(id)}`);

const accept = (options: { entity?: string; key?: string; replaceKey?: boolean } = {}) =>
  node.node.enrolment.accept({
    entity: options.entity ?? applicant.id,
    grant: { registryTypes: TYPES },
    replaceKey: options.replaceKey ?? false,
    key: options.key,
  });

const createCode = (entity = applicant.id, seconds = 3_600) =>
  node.node.enrolment.createCode({ entity, grant: { registryTypes: TYPES }, seconds });

async function failureOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "nothing failed",
    (error: AttestryError) => error.code ?? String(error),
  );
}

const isVouchedFor = async (entity: string): Promise<boolean> =>
  (await node.request("GET", `/federation/fetch?sub=${encodeURIComponent(entity)}`)).status === 200;

describe("an application", () => {
  it("is challenged, waits for the operator once its key is proven, and says that it was accepted, for what", async () => {
    const proven = await applyAndProve();
    expect([proven.status, proven.body.state]).toEqual([200, "pending"]);
    expect(await isVouchedFor(applicant.id)).toBe(false);
    expect(await node.node.enrolment.listApplications()).toEqual([
      {
        entity: applicant.id,
        organizationName: `Department at ${applicant.id}`,
        registryTypes: TYPES,
        state: "pending",
        createdAt: START,
        key: applicant.federation.publicKey.kid,
        replacesKey: false,
      },
    ]);
    await accept({ key: applicant.federation.publicKey.kid });
    const { body } = await statusOf(proven.body.id);
    expect(body).toEqual({
      id: proven.body.id,
      state: "accepted",
      expires_at: new Date((START + 30 * DAY) * 1_000).toISOString(),
      registry_types: TYPES,
    });
    expect(await isVouchedFor(applicant.id)).toBe(true);
  });

  it("is told why it was refused", async () => {
    const { body } = await applyAndProve();
    await node.node.enrolment.refuse({ entity: applicant.id, reason: "no such department" });
    expect((await statusOf(body.id)).body).toMatchObject({ state: "refused", reason: "no such department" });
    expect(await failureOf(accept({ key: applicant.federation.publicKey.kid }))).toBe("enrolment_unknown");
  });

  it("that has no metadata of a registry node is taken too: an intermediate needs none", async () => {
    const configuration = await configurationOf(applicant, ({ claims }) => delete claims.metadata);
    expect((await post(configuration)).status).toBe(200);
  });

  it("waits for 30 days", async () => {
    const { body } = await applyAndProve();
    now = START + 30 * DAY - 1;
    expect((await statusOf(body.id)).status).toBe(200);
    now++;
    expect(refusal(await statusOf(body.id))).toBe("404 enrolment_unknown");
    expect(await failureOf(accept({ key: applicant.federation.publicKey.kid }))).toBe("enrolment_unknown");
  });

  it.each<[string, string, (draft: StatementDraft) => void]>([
    [
      "names another superior",
      "statement_hint_missing",
      ({ claims }) => Object.assign(claims, { authority_hints: [OTHER_SUPERIOR] }),
    ],
    ["names no superior", "statement_hint_missing", ({ claims }) => delete claims.authority_hints],
    ["has expired", "statement_expired", ({ claims }) => Object.assign(claims, { iat: START - 7_200, exp: START })],
    [
      "is of the future",
      "statement_not_yet_valid",
      ({ claims }) => Object.assign(claims, { iat: START + 3_600, exp: START + 7_200 }),
    ],
    [
      "is signed by a key that it does not list",
      "statement_key_unknown",
      (draft) => {
        const { federation } = createEntity("https://thief.example.org");
        Object.assign(draft, { signer: federation, header: { ...draft.header, kid: federation.publicKey.kid } });
      },
    ],
    [
      "is signed by another key than it says",
      "statement_signature_invalid",
      (draft) => {
        draft.signer = createEntity("https://thief.example.org").federation;
      },
    ],
    [
      "is what somebody says of another",
      "statement_claim_misplaced",
      ({ claims }) => Object.assign(claims, { sub: "https://leaf.example.org" }),
    ],
    [
      "is what somebody says of another, without superiors",
      "statement_invalid",
      ({ claims }) => {
        claims.sub = "https://leaf.example.org";
        delete claims.authority_hints;
      },
    ],
    ["is of another type", "statement_type_wrong", ({ header }) => Object.assign(header, { typ: "JWT" })],
    ["is unsigned", "algorithm_not_allowed", ({ header }) => Object.assign(header, { alg: "none" })],
    [
      "names a plain host as its name",
      "entity_identifier_invalid",
      ({ claims }) => Object.assign(claims, { iss: "department", sub: "department" }),
    ],
    [
      "uses its federation key for records",
      "key_role_conflict",
      ({ claims }) => {
        const { registry_node: declared } = claims.metadata as { registry_node: JsonObject };
        declared!.jwks = claims.jwks!;
      },
    ],
    [
      "uses the superior's key for records",
      "key_role_conflict",
      ({ claims }) => {
        const { registry_node: declared } = claims.metadata as { registry_node: JsonObject };
        declared!.jwks = { keys: [{ ...node.secrets.signers.federation.publicKey.jwk }] };
      },
    ],
    [
      "declares a registry node without a log",
      "node_metadata_invalid",
      ({ claims }) => {
        const { registry_node: declared } = claims.metadata as { registry_node: JsonObject };
        delete declared!.logs;
      },
    ],
  ])("that %s is refused: %s", async (_name, code, edit) => {
    expect(refusal(await post(await configurationOf(applicant, edit)))).toBe(`400 ${code}`);
  });

  it.each([
    ["no JWS", "no jws", "400 jws_invalid"],
    ["of nothing", "", "400 request_invalid"],
    ["with a NUL", "a\u0000b", "400 jws_invalid"],
    ["larger than one may be", "x".repeat(100_000), "413 body_too_large"],
  ])("that is %s is refused", async (_name, text, expected) => {
    expect(refusal(await post(text))).toBe(expected);
  });

  it("of this node itself is refused", async () => {
    const configuration = await node.node.federation.getConfiguration();
    expect(refusal(await post(configuration))).toBe("400 request_invalid");
  });
});

describe("a proof", () => {
  it("settles one application once: a challenge is not answered again", async () => {
    const { id, challenge } = await apply();
    const proof = await proofOf(challenge);
    expect((await sendProof(id, proof)).body.state).toBe("pending");
    expect(refusal(await sendProof(id, proof))).toBe("409 state_conflict");
    await accept({ key: applicant.federation.publicKey.kid });
    expect(refusal(await sendProof(id, proof))).toBe("409 state_conflict");
    expect((await statusOf(id)).body.state).toBe("accepted");
  });

  it("sent many times at once settles the application once", async () => {
    const { id, challenge } = await apply();
    const proof = await proofOf(challenge);
    const answers = await Promise.all(Array.from({ length: 10 }, () => sendProof(id, proof)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(9).fill(409)]);
  });

  it("of one challenge does not do for another", async () => {
    const first = await apply();
    const second = await apply();
    expect(refusal(await sendProof(second.id, await proofOf(first.challenge)))).toBe("400 enrolment_proof_invalid");
  });

  it.each<[string, Parameters<typeof proofOf>[1] & object]>([
    ["for another superior", { claims: { aud: OTHER_SUPERIOR } }],
    ["for several", { claims: { aud: ["http://127.0.0.1", OTHER_SUPERIOR] } }],
    ["of another applicant", { claims: { iss: "https://other.example.org" } }],
    ["of another challenge", { claims: { nonce: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A" } }],
    ["of no challenge", { claims: { nonce: null } }],
    ["that has expired", { claims: { iat: START - 300, exp: START } }],
    ["of the future", { claims: { iat: START + 120, exp: START + 240 } }],
    ["that holds for long", { claims: { exp: START + 301 } }],
    ["without an end", { claims: { exp: null } }],
    ["of another type", { header: { typ: "entity-statement+jwt" } }],
    ["with critical claims", { header: { crit: ["x"], x: 1 } }],
    ["whose code is no text", { claims: { code: 7 } }],
  ])("%s is refused", async (_name, falsified) => {
    const { id, challenge } = await apply();
    expect(refusal(await sendProof(id, await proofOf(challenge, falsified)))).toBe("400 enrolment_proof_invalid");
    // Nothing is spoilt: the true proof is taken.
    expect((await sendProof(id, await proofOf(challenge))).body.state).toBe("pending");
  });

  it("by a key that the configuration does not list is refused, whatever it calls itself", async () => {
    const { id, challenge } = await apply();
    const thief = createEntity("https://thief.example.org").federation;
    const { kid } = applicant.federation.publicKey;
    for (const header of [{}, { kid }]) {
      const proof = await proofOf(challenge, { signer: thief, header });
      expect(refusal(await sendProof(id, proof))).toBe("400 enrolment_proof_invalid");
    }
  });

  it("by a record key is refused: it has another role", async () => {
    const { id, challenge } = await apply();
    const proof = await proofOf(challenge, { signer: applicant.record });
    expect(refusal(await sendProof(id, proof))).toBe("400 enrolment_proof_invalid");
  });

  it("after ten minutes comes too late", async () => {
    const { id, challenge } = await apply();
    now = START + 599;
    expect(refusal(await sendProof(id, "x"))).toBe("400 enrolment_proof_invalid");
    now = START + 600;
    expect(refusal(await sendProof(id, await proofOf(challenge)))).toBe("404 enrolment_unknown");
  });

  it.each(["mS1nYyQ2mC0x7nO3rV9t4A", "1", "a%00b", "%F0%9F%92%A9", "x".repeat(5_000)])(
    "for an application that there is not (%.30s) is refused",
    async (id) => {
      expect(refusal(await sendProof(id, "x"))).toBe("404 enrolment_unknown");
      expect(refusal(await statusOf(id))).toBe("404 enrolment_unknown");
    },
  );
});

describe("a one-time code", () => {
  it("accepts its node at once, and once", async () => {
    const { code, expiresAt } = await createCode();
    expect(expiresAt).toBe(START + 3_600);
    const { body } = await applyAndProve({ code });
    expect(body).toMatchObject({ state: "accepted", registry_types: TYPES });
    expect(await isVouchedFor(applicant.id)).toBe(true);
    expect(refusal(await applyAndProve({ code }))).toBe("400 enrolment_code_invalid");
  });

  it("used by two at the same time accepts one", async () => {
    const { code } = await createCode();
    const answers = await Promise.all([applyAndProve({ code }), applyAndProve({ code })]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it("of another node is refused, and is not used up by it", async () => {
    const { code } = await createCode();
    const stranger = createEntity("https://stranger.example.org");
    expect(refusal(await applyAndProve({ code, entity: stranger }))).toBe("400 enrolment_code_invalid");
    expect(await isVouchedFor(stranger.id)).toBe(false);
    expect((await applyAndProve({ code })).body.state).toBe("accepted");
  });

  it("that has expired is refused", async () => {
    const { code } = await createCode(applicant.id, 60);
    const { id, challenge } = await apply();
    now = START + 60;
    const late = await proofOf(challenge, { claims: { code } });
    expect(refusal(await sendProof(id, late))).toBe("400 enrolment_code_invalid");
    expect(refusal(await applyAndProve({ code }))).toBe("400 enrolment_code_invalid");
  });

  it("that is wrong is refused, and the applicant may still be decided by the operator", async () => {
    const { code } = await createCode();
    const { id, challenge } = await apply();
    for (const wrong of [code.toLowerCase() === code ? `${code}x` : code.toLowerCase(), "", `${code} `]) {
      const proof = await proofOf(challenge, { claims: { code: wrong } });
      expect(refusal(await sendProof(id, proof))).toBe("400 enrolment_code_invalid");
    }
    expect((await sendProof(id, await proofOf(challenge))).body.state).toBe("pending");
  });

  it("is stored nowhere", async () => {
    const { code } = await createCode();
    const rows = await node.database.database.sql`select * from enrolment_code`;
    expect(JSON.stringify(rows)).not.toContain(code);
  });

  it("does not bring another key for a node that was accepted before", async () => {
    const { code } = await createCode();
    await applyAndProve({ code });
    const renewed = createEntity(applicant.id);
    const { code: second } = await createCode();
    expect(refusal(await applyAndProve({ code: second, entity: renewed }))).toBe("400 subordinate_key_changed");
  });

  it.each([0, -1, 1.5, 30 * DAY + 1])("cannot hold for %d seconds", async (seconds) => {
    expect(await failureOf(createCode(applicant.id, seconds))).toBe("request_invalid");
  });
});

describe("accepting", () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) server.close().closeAllConnections();
  });

  /** An applicant that publishes its configuration at its address, as its node would. */
  async function startApplicant(): Promise<TestEntity> {
    let entity: TestEntity | undefined;
    const server = createServer(async (_, answer) =>
      answer.setHeader("content-type", "application/entity-statement+jwt").end(await configurationOf(entity!)),
    );
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    entity = createEntity(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return entity;
  }

  it("takes the applicant whose key the configuration at its own address has, not whoever applied in its name", async () => {
    const owner = await startApplicant();
    const impostor = createEntity(owner.id);
    await applyAndProve({ entity: owner });
    now++;
    await applyAndProve({ entity: impostor });
    await applyAndProve({ entity: createEntity(owner.id) });
    const accepted = await accept({ entity: owner.id });
    expect(accepted.jwks.keys).toEqual([owner.federation.publicKey.jwk]);
    expect(client.urls).toEqual([`${owner.id}/.well-known/openid-federation`]);
  });

  it("takes nobody where only an impostor has applied", async () => {
    const owner = await startApplicant();
    await applyAndProve({ entity: createEntity(owner.id) });
    expect(await failureOf(accept({ entity: owner.id }))).toBe("enrolment_key_unconfirmed");
    expect(await isVouchedFor(owner.id)).toBe(false);
  });

  it("takes an applicant that cannot be reached once people have compared its key", async () => {
    const gone = createEntity("http://127.0.0.1:9");
    await applyAndProve({ entity: gone });
    expect(await failureOf(accept({ entity: gone.id }))).toBe("enrolment_key_unconfirmed");
    expect(await failureOf(accept({ entity: gone.id, key: "another" }))).toBe("enrolment_key_unconfirmed");
    expect((await accept({ entity: gone.id, key: gone.federation.publicKey.kid })).entity).toBe(gone.id);
  });

  it("takes another key of a node that was accepted before only where it is said", async () => {
    await applyAndProve();
    await accept({ key: applicant.federation.publicKey.kid });
    const renewed = createEntity(applicant.id);
    await applyAndProve({ entity: renewed });
    const [waiting] = await node.node.enrolment.listApplications();
    expect(waiting).toMatchObject({ state: "pending", replacesKey: true });
    const { kid: key, jwk } = renewed.federation.publicKey;
    expect(await failureOf(accept({ key }))).toBe("subordinate_key_changed");
    expect((await accept({ key, replaceKey: true })).jwks.keys).toEqual([jwk]);
  });

  it("of one that is suspended keeps it suspended", async () => {
    await applyAndProve();
    await accept({ key: applicant.federation.publicKey.kid });
    await node.node.federation.suspendSubordinate({ entity: applicant.id, reason: "under inquiry" });
    await applyAndProve();
    await accept({ key: applicant.federation.publicKey.kid });
    expect(await isVouchedFor(applicant.id)).toBe(false);
  });

  it.each([[[""]], [Array.from({ length: 1_001 }, (_, i) => `type-${i}`)]])(
    "grants no such types",
    async (registryTypes) => {
      await applyAndProve();
      const options = { entity: applicant.id, replaceKey: false, key: applicant.federation.publicKey.kid };
      expect(await failureOf(node.node.enrolment.accept({ ...options, grant: { registryTypes } }))).toBe(
        "request_invalid",
      );
    },
  );

  it.each(["", "  ", "x".repeat(501)])("a refusal needs a reason", async (reason) => {
    await applyAndProve();
    expect(await failureOf(node.node.enrolment.refuse({ entity: applicant.id, reason }))).toBe("request_invalid");
  });

  it("whoever has not applied can be neither accepted nor refused as an applicant", async () => {
    await apply();
    expect(await failureOf(accept())).toBe("enrolment_unknown");
    expect(await failureOf(node.node.enrolment.refuse({ entity: applicant.id, reason: "no" }))).toBe(
      "enrolment_unknown",
    );
    expect(await node.node.enrolment.listApplications()).toEqual([]);
  });
});

describe("a flood", () => {
  it("in one name leaves three applications to decide, and a code still opens the door", async () => {
    for (let i = 0; i < 3; i++) expect((await applyAndProve({ entity: createEntity(applicant.id) })).status).toBe(200);
    expect(refusal(await applyAndProve())).toBe("413 too_many_items");
    const { code } = await createCode();
    expect((await applyAndProve({ code })).body.state).toBe("accepted");
    await node.node.enrolment.refuse({ entity: applicant.id, reason: "not by us" });
    expect((await applyAndProve()).body.state).toBe("pending");
  });

  async function insertMany(state: string, count: number): Promise<void> {
    const { sql } = node.database.database;
    await sql`
      insert into enrolment (id, entity, configuration, nonce, state, created_at, expires_at)
      select 'row-' || i, 'https://flood.example.org/' || i, 'x', 'x', ${state}, ${START - 10} + i, ${START + 86_400}
      from generate_series(1, ${count}::int) i`;
  }
  const count = async (): Promise<number> =>
    (await node.database.database.sql<{ count: number }[]>`select count(*)::int from enrolment`)[0]!.count;

  it("in many names leaves a thousand to decide", async () => {
    await insertMany("pending", 999);
    expect((await applyAndProve()).body.state).toBe("pending");
    expect(refusal(await applyAndProve())).toBe("413 too_many_items");
    const { code } = await createCode();
    expect((await applyAndProve({ code })).body.state).toBe("accepted");
  });

  it("of applications without a proof keeps the thousand newest", async () => {
    await insertMany("challenged", 1_200);
    now = START + 1_300;
    const { id, challenge } = await apply();
    expect(await count()).toBe(1_000);
    const proof = await proofOf(challenge);
    expect((await sendProof(id, proof)).body.state).toBe("pending");
  });

  it("ends with its time: what has expired is gone", async () => {
    for (let i = 0; i < 5; i++) await apply();
    now = START + 600;
    await apply();
    expect(await count()).toBe(1);
  });

  it("has the limits that the documentation states", () => {
    expect([limits.ENROLMENTS_CHALLENGED_MAX, limits.ENROLMENTS_PENDING_MAX]).toEqual([1_000, 1_000]);
    expect([limits.ENROLMENTS_PENDING_PER_ENTITY_MAX, limits.ENROLMENT_BODY_BYTES_MAX]).toEqual([3, 100_000]);
  });
});

it("no application, proof or question makes the node ask anybody", async () => {
  const { code } = await createCode();
  await applyAndProve();
  await applyAndProve({ code });
  await applyAndProve({ code });
  await post(
    await configurationOf(applicant, ({ claims }) => Object.assign(claims, { authority_hints: [OTHER_SUPERIOR] })),
  );
  const { id, challenge } = await apply();
  await sendProof(
    id,
    await proofOf(challenge, { header: { jku: "http://127.0.0.1:9/keys", x5u: "http://127.0.0.1:9/" } }),
  );
  await statusOf(id);
  expect(client.urls).toEqual([]);
});

it("a former name or a departure's issuer that is no entity identifier is refused before the database sees it", async () => {
  const configuration = await configurationOf(applicant);
  for (const name of ["\u0000", "http://x", ""]) {
    const answer = await node.request("POST", "/federation/enrolments", { json: { configuration, formerly: name } });
    expect([answer.status, answer.body.code]).toEqual([
      400,
      name === "" ? "request_invalid" : "entity_identifier_invalid",
    ]);
  }
  const departure = await signDeparture(
    { entity: "\u0000", superior: node.entity },
    { signer: applicant.federation, now },
  );
  const answer = await node.request("POST", "/federation/enrolments/departures", { json: { departure } });
  expect([answer.status, answer.body.code]).toEqual([400, "entity_identifier_invalid"]);
});
