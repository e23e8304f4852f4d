// A member goes to another address, or leaves: what its superior and those who refer to its records make of it. Real nodes, real HTTP.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { createChainService } from "../../src/federation/chain-service.ts";
import { signDeparture } from "../../src/federation/departure.ts";
import { createHttpClient } from "../../src/federation/http-client.ts";
import { speaksFor } from "../../src/federation/node-metadata.ts";
import { verifyTrustChain } from "../../src/federation/trust-chain.ts";
import { currentSeconds } from "../../src/node.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { createEntity, draftChain, signChain } from "../chain-fixture.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";

const TYPES = ["plots"];
let superior: TestNode;
let old: TestNode;
let moved: TestNode;
let rid: string;

async function joinSuperior(node: TestNode, formerly?: string) {
  return node.node.enrolmentClient.apply({
    superior: superior.entity,
    configuration: await node.node.federation.getConfiguration(),
    formerly,
  });
}

function accept(node: TestNode, formerly?: string) {
  return superior.node.enrolment.accept({
    entity: node.entity,
    grant: { registryTypes: TYPES },
    replaceKey: false,
    formerly,
  });
}

beforeAll(async () => {
  superior = await startTestNode();
  const below = { superiors: [superior.entity], anchors: [superior.pin(TYPES)] };
  old = await startTestNode(below);
  await joinSuperior(old);
  await accept(old);
  expect((await old.publish(definition("plots"))).status).toBe(201);
  rid = String((await (await createRecordCalls(old, "plots")).create({ code: "1", name: "One" })).rid);
  await old.stop();
  moved = await startTestNode({ ...below, moved: old });
});

afterAll(async () => {
  await moved?.stop();
  await old?.close();
  await superior?.close();
});

describe("a node that moved", () => {
  it("is believed by nobody while its superior does not say so", async () => {
    const { records } = await moved.node.resolution.resolve(ask());
    expect(Object.values(records)[0]!.outcome).toBe("chain_not_found");
  });

  it("takes the place of what it was, once the operator confirms it", async () => {
    expect((await joinSuperior(moved, old.entity)).state).toBe("pending");
    const [application] = await superior.node.enrolment.listApplications();
    expect([application!.formerly, application!.replacesKey]).toEqual([old.entity, false]);
    await expect(accept(moved)).rejects.toMatchObject({ code: "formerly_not_vouched" });
    await accept(moved, old.entity);
    const known = await superior.node.federation.describeSubordinates();
    expect(known.map(({ entity, formerly }) => ({ entity, formerly }))).toEqual([
      { entity: moved.entity, formerly: [{ entity: old.entity }] },
    ]);
    expect((await superior.request("GET", `/federation/fetch?sub=${encodeURIComponent(old.entity)}`)).status).toBe(404);
  });

  it("goes on with its records under their names, old ones and new ones", async () => {
    const plots = await createRecordCalls(moved, "plots");
    const created = await plots.create({ code: "2", name: "Two" });
    expect(created.href).toBe(`${old.entity}/registries/plots/records/${String(created.rid)}`);
    const changed = await plots.amend(rid, "1.0", { data: { name: "One and only" } });
    expect(changed.version).toBe(2);
  });

  it("is verified by others through the chain of the new address, under the old name", async () => {
    const { statements } = await getChain(moved.entity);
    // It asked for its own chain before its superior had decided, and does not ask again at once.
    const read = async () => moved.request("GET", `/registries/plots/records/${rid}/evidence`);
    await expect.poll(async () => (await read()).status, { timeout: 15_000, interval: 500 }).toBe(200);
    const evidence = (await read()).body;
    const verifier = createVerifier({ anchors: [superior.pin(TYPES)], statusMaxAgeSeconds: 86_400 });
    const href = `${old.entity}/registries/plots/records/${rid}`;
    const report = await verifier.verify(
      { ...evidence, chain: statements },
      { now: currentSeconds(), expected: { href } },
    );
    expect(report.checks.filter(({ result }) => result === "fail")).toEqual([]);
    expect([report.valid, report.record?.issuer]).toEqual([true, old.entity]);
  });

  it("is found by others under the dead address: the anchor's directory says where, the superior's statement that it is so", async () => {
    const reader = await startTestNode({ anchors: [superior.pin(TYPES)], config: () => ({ directory: false }) });
    const token = await reader.token("reader");
    const href = `${old.entity}/registries/plots/records/${rid}`;
    const read = async () => {
      const { body } = await reader.request("POST", "/resolve", { token, json: { references: [href] } });
      return (body.records as Record<string, JsonObject>)[href]!;
    };
    expect(
      (await superior.request("GET", `/federation/directory?formerly=${encodeURIComponent(old.entity)}`)).body.members,
    ).toEqual([]);
    expect((await read()).outcome).toBe("peer_unreachable");
    await superior.node.directory.refresh();
    const { body } = await superior.request("GET", `/federation/directory?formerly=${encodeURIComponent(old.entity)}`);
    expect(body.members).toMatchObject([{ entity: moved.entity, formerly: [old.entity], state: "valid" }]);
    const later = await startTestNode({ anchors: [superior.pin(TYPES)], config: () => ({ directory: false }) });
    const answer = await later.request("POST", "/resolve", {
      token: await later.token("reader"),
      json: { references: [href] },
    });
    expect((answer.body.records as Record<string, JsonObject>)[href]).toMatchObject({
      outcome: "verified",
      issuer: old.entity,
      data: { name: "One and only" },
    });
    await reader.close();
    await later.close();
  });
});

describe("names of those who moved", () => {
  it("are nobody else's: not the old one, and not one that another subordinate has", async () => {
    const below = { superiors: [superior.entity], anchors: [superior.pin(TYPES)] };
    const other = await startTestNode(below);
    await joinSuperior(other);
    await accept(other);
    // Somebody takes over the host that the member left.
    const port = Number(new URL(old.entity).port);
    const squatter = await startTestNode({ ...below, port });
    expect(squatter.entity).toBe(old.entity);
    await joinSuperior(squatter);
    await expect(accept(squatter)).rejects.toMatchObject({ code: "state_conflict" });
    await expect(
      superior.node.federation.acceptSubordinate({ entity: squatter.entity, registryTypes: TYPES }),
    ).rejects.toMatchObject({ code: "state_conflict" });
    await squatter.close();
    await joinSuperior(other, moved.entity);
    await expect(accept(other, moved.entity)).rejects.toMatchObject({ code: "state_conflict" });
    const known = await superior.node.federation.describeSubordinates();
    expect(known.map(({ entity }) => entity).sort()).toEqual([moved.entity, other.entity].sort());
    await superior.node.enrolment.refuse({ entity: other.entity, reason: "no" });
    await superior.node.federation.removeSubordinate(other.entity);
    await other.close();
  });

  it("do not stand in the way of its next federation key", async () => {
    const [outcome] = await superior.node.keyRollover.refreshSubordinates(moved.entity);
    expect(outcome).toMatchObject({ entity: moved.entity, outcome: "unchanged" });
  });

  it("come back with it, confirmed by the operator, after it left", async () => {
    await moved.node.enrolmentClient.leave(superior.entity);
    expect(await superior.node.federation.describeSubordinates()).toEqual([]);
    await joinSuperior(moved, old.entity);
    await expect(accept(moved)).rejects.toMatchObject({ code: "formerly_not_vouched" });
    await accept(moved, old.entity);
    const [known] = await superior.node.federation.describeSubordinates();
    expect(known?.formerly).toEqual([{ entity: old.entity }]);
  });
});

describe("a superior that claims for its member a name that it never vouched for", () => {
  it("leads nobody there, also while the name's owner is away", async () => {
    const below = { superiors: [superior.entity], anchors: [superior.pin(TYPES)] };
    const [owner, ministry] = [await startTestNode(below), await startTestNode(below)];
    const rival = await startTestNode({ ...below, superiors: [ministry.entity] });
    const vouch = (by: TestNode, entity: string) =>
      by.node.federation.acceptSubordinate({ entity, registryTypes: TYPES });
    await vouch(superior, owner.entity);
    await vouch(superior, ministry.entity);
    await vouch(ministry, rival.entity);
    const claim = [{ entity: owner.entity }];
    const { sql } = ministry.database.database;
    await sql`update subordinate set formerly = ${sql.json(claim)} where entity = ${rival.entity}`;
    const { directory } = superior.node;
    const stateOf = async (node: TestNode) => (await directory.find(node.entity))?.state;
    await directory.refresh();
    expect([await stateOf(owner), await stateOf(rival)]).toEqual(["valid", "valid"]);
    expect((await directory.find(rival.entity))?.formerly).toEqual([owner.entity]);
    expect(await directory.findSuccessor(owner.entity)).toBe(undefined);
    await superior.node.federation.removeSubordinate(owner.entity);
    await directory.refresh();
    expect(await stateOf(owner)).toBe("removed");
    expect(await directory.findSuccessor(owner.entity)).toBe(undefined);
    for (const node of [owner, ministry, rival]) await node.close();
  });
});

describe("a name that a member takes by itself", () => {
  const now = 1_800_000_000;
  const ministry = createEntity("https://ministry.example");
  const member = createEntity("https://member.example");
  const other = "https://other.example";

  async function verify(change: (chain: ReturnType<typeof draftChain>) => void) {
    const chain = draftChain([member, ministry], TYPES, now);
    change(chain);
    return verifyTrustChain({ statements: await signChain(chain), anchors: chain.anchors, now });
  }
  const nodeOf = (claims: JsonObject) => (claims.metadata as { registry_node: JsonObject }).registry_node;
  const formerly = (entity: string) => ({ formerly: [{ entity }] });

  it("is refused, whatever else the chain says", async () => {
    const claim = verify(({ statements }) => Object.assign(nodeOf(statements[0]!.claims), formerly(other)));
    await expect(claim).rejects.toMatchObject({ code: "formerly_not_vouched" });
    const both = verify(({ statements }) => {
      Object.assign(nodeOf(statements[0]!.claims), formerly(other));
      statements[1]!.claims.metadata = { registry_node: formerly(other) };
    });
    await expect(both).rejects.toMatchObject({ code: "formerly_not_vouched" });
  });

  it("is believed from the superior's statement", async () => {
    const chain = await verify(({ statements }) => {
      statements[1]!.claims.metadata = { registry_node: formerly(other) };
    });
    expect(chain.metadata.formerly).toEqual([{ entity: other }]);
    expect(speaksFor(chain, other)).toBe(true);
    expect(speaksFor(chain, "https://third.example")).toBe(false);
  });

  it("is not given by a policy, and not outside the names that a superior may vouch for", async () => {
    const policy = await verify(({ statements }) => {
      const { registry_node: rules } = statements[1]!.claims.metadata_policy as { registry_node: JsonObject };
      rules.formerly = { value: [{ entity: other }] };
    });
    expect(policy.metadata.formerly).toBe(undefined);
    const outside = verify(({ statements }) => {
      statements[1]!.claims.metadata = { registry_node: formerly(other) };
      statements[1]!.claims.constraints = { naming_constraints: { permitted: ["member.example"] } };
    });
    await expect(outside).rejects.toMatchObject({ code: "entity_name_not_permitted" });
  });

  it("is refused where it has not its form", async () => {
    for (const value of [[], "https://other.example", [{}], [{ entity: "other" }], Array(11).fill({ entity: other })]) {
      const chain = verify(({ statements }) => {
        statements[1]!.claims.metadata = { registry_node: { formerly: value } };
      });
      await expect(chain).rejects.toMatchObject({
        code: expect.stringMatching(/^(node_metadata_invalid|entity_identifier_invalid)$/),
      });
    }
  });
});

describe("a member that leaves", () => {
  it("is not vouched for any more, by its own signed word only", async () => {
    const member = await startTestNode({ superiors: [superior.entity], anchors: [superior.pin(TYPES)] });
    await joinSuperior(member);
    await accept(member);
    const fetchIt = async () =>
      (await superior.request("GET", `/federation/fetch?sub=${encodeURIComponent(member.entity)}`)).status;
    expect(await fetchIt()).toBe(200);
    const terms = { entity: member.entity, superior: superior.entity };
    const { federation, record } = member.secrets.signers;
    const now = currentSeconds();
    const wrong = [
      await signDeparture(terms, { signer: record, now }),
      await signDeparture({ ...terms, superior: "https://elsewhere.example" }, { signer: federation, now }),
      await signDeparture({ ...terms, entity: moved.entity }, { signer: federation, now }),
      await signDeparture(terms, { signer: federation, now: now - 3_600 }),
      await signDeparture(terms, { signer: federation, now: now + 3_600 }),
      "none",
    ];
    for (const departure of wrong) {
      const answer = await superior.request("POST", "/federation/enrolments/departures", { json: { departure } });
      expect([answer.status, answer.body.code]).toEqual([
        400,
        expect.stringMatching(/^(departure_invalid|jws_invalid)$/),
      ]);
    }
    expect(await fetchIt()).toBe(200);
    await superior.node.federation.suspendSubordinate({ entity: member.entity, reason: "inquiry" });
    await expect(member.node.enrolmentClient.leave(superior.entity)).rejects.toMatchObject({
      code: "enrolment_refused",
      message: expect.stringContaining("departure_invalid"),
    });
    await superior.node.federation.resumeSubordinate(member.entity);
    await member.node.enrolmentClient.leave(superior.entity);
    expect(await fetchIt()).toBe(404);
    // Whoever kept the word cannot send it away again once it is back.
    await joinSuperior(member);
    await accept(member);
    const kept = await signDeparture(terms, { signer: federation, now: now - 200 });
    const answer = await superior.request("POST", "/federation/enrolments/departures", { json: { departure: kept } });
    expect([answer.status, answer.body.code]).toEqual([400, "departure_invalid"]);
    await member.close();
  });
});

async function getChain(entity: string) {
  const httpClient = createHttpClient({ development: true, allowedPrivateHosts: [] });
  const anchors = [superior.pin(TYPES)];
  try {
    const chains = createChainService({ anchors, httpClient, clock: currentSeconds, allowLoopbackHttp: true });
    return await chains.getChain(entity);
  } finally {
    httpClient.close();
  }
}

function ask() {
  return { references: [{ href: `${old.entity}/registries/plots/records/${rid}` }], follow: [], outgoing: true };
}
