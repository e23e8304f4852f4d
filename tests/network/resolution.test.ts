// References across three nodes over real HTTP: resolved, verified, and refused by name.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

let anchor: TestNode;
let local: TestNode;
let rural: TestNode;
let agency: TestNode;
let district: string;
let block: string;

async function create(node: TestNode, registry: string, data: JsonObject): Promise<string> {
  const answer = await node.request("POST", `/registries/${registry}/records`, {
    token: await node.token("registrar"),
    json: { data },
  });
  expect(answer.status, answer.text).toBe(201);
  return answer.body.href as string;
}

async function resolve(
  node: TestNode,
  references: string[],
  follow: string[][],
): Promise<{ references: JsonObject[]; records: Record<string, JsonObject>; homes: JsonObject[] }> {
  const answer = await node.request("POST", "/resolve", {
    token: await node.token("reader"),
    json: { references, follow },
  });
  expect(answer.status, answer.text).toBe(200);
  return answer.body as never;
}

beforeAll(async () => {
  anchor = await startTestNode();
  const pins = [anchor.pin(["states", "districts", "blocks"])];
  const member = { superiors: [anchor.entity], anchors: pins };
  local = await startTestNode({ ...member, path: "/lgd" });
  rural = await startTestNode({ ...member, path: "/deep/rural" });
  agency = await startTestNode({ anchors: pins });
  await anchor.node.federation.acceptSubordinate({ entity: local.entity, registryTypes: ["states", "districts"] });
  await anchor.node.federation.acceptSubordinate({ entity: rural.entity, registryTypes: ["blocks"] });
  expect((await local.publish(definition("states"))).status).toBe(201);
  const toState = { state: { type: "string", "x-reference": { type: "states", onWrite: "verify" } } };
  expect((await local.publish(definition("districts", { properties: toState, required: ["state"] }))).status).toBe(201);
  const toDistricts = {
    districts: { type: "array", items: { type: "string", "x-reference": { type: "districts", onWrite: "verify" } } },
  };
  expect((await rural.publish(definition("blocks", { properties: toDistricts, required: ["districts"] }))).status).toBe(
    201,
  );
  const state = await create(local, "states", { code: "35", name: "Islands" });
  district = await create(local, "districts", { code: "603", name: "Nicobars", state });
  const other = await create(local, "districts", { code: "632", name: "North", state });
  block = await create(rural, "blocks", { code: "6498", name: "Campbell Bay", districts: [district, other] });
});

afterAll(async () => {
  for (const node of [agency, rural, local, anchor]) await node?.close();
});

describe("resolution across nodes", () => {
  it("follows an array of references to another node and from there to a third registry, each home node asked once per step", async () => {
    const { references, records, homes } = await resolve(agency, [block], [["districts", "state"]]);
    expect(references).toEqual([{ href: block, record: block, outcome: "verified" }]);
    expect(
      Object.values(records)
        .map(({ type, outcome }) => `${type} ${outcome}`)
        .sort(),
    ).toEqual(["blocks verified", "districts verified", "districts verified", "states verified"]);
    expect((records[block]!.links as JsonObject).districts).toHaveLength(2);
    expect(homes).toEqual([
      { entity: rural.entity, requests: 1, records: 1 },
      { entity: local.entity, requests: 2, records: 3 },
    ]);
  });

  it("says which checks were not made", async () => {
    const { records } = await resolve(agency, [block], []);
    const notChecked = (records[block]!.checks as JsonObject[])
      .filter(({ result }) => result === "not_checked")
      .map(({ check }) => check);
    expect(notChecked).toEqual(["witness", "binding", "references"]);
  });

  it("answers each reference for itself: a missing record does not spoil the others", async () => {
    const missing = `${district.slice(0, -36)}00000000-0000-8000-8000-000000000000`;
    const { references } = await resolve(agency, [missing, district], []);
    expect(references.map(({ outcome }) => outcome)).toEqual(["record_unknown", "verified"]);
  });

  it("judges two pins to one version each by its own digest", async () => {
    const path = district.slice(local.entity.length);
    const { body } = await local.request("GET", path);
    const token = String(body.token).split("~")[0]!;
    const right = createHash("sha256").update(token).digest("base64url");
    const wrong = createHash("sha256").update("another").digest("base64url");
    const pins = [right, wrong].map((digest) => ({ href: district, version: 1, digest }));
    for (const references of [pins, [...pins].reverse()]) {
      const answer = await agency.request("POST", "/resolve", {
        token: await agency.token("reader"),
        json: { references, follow: [] },
      });
      const outcomes = (answer.body.references as JsonObject[]).map(({ outcome }) => outcome);
      expect(outcomes, answer.text).toEqual(
        references.map(({ digest }) => (digest === right ? "verified" : "digest_mismatch")),
      );
    }
  });

  it("does not sign a record whose reference does not verify", async () => {
    const token = await rural.token("registrar");
    const dangling = `${district.slice(0, -36)}00000000-0000-8000-8000-000000000000`;
    const refused = await rural.request("POST", "/registries/blocks/records", {
      token,
      json: { data: { code: "1", name: "x", districts: [dangling] } },
    });
    expect([refused.status, refused.body.code]).toEqual([422, "reference_unresolved"]);
    const wrongType = await rural.request("POST", "/registries/blocks/records", {
      token,
      json: { data: { code: "1", name: "x", districts: [block] } },
    });
    expect(wrongType.text).toContain('is a record of type \\"blocks\\", not \\"districts\\"');
  });

  it("makes no outgoing request for an anonymous caller", async () => {
    const answer = await agency.request("POST", "/resolve", { json: { references: [district] } });
    expect(answer.body).toMatchObject({ references: [{ outcome: "authentication_required" }] });
  });

  it("refuses a record of a type that no superior granted, and of a node that nobody vouches for", async () => {
    expect((await rural.publish(definition("states"))).status).toBe(201);
    const forged = await create(rural, "states", { code: "99", name: "Forged" });
    const stranger = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(["states"])] });
    try {
      await stranger.publish(definition("states"));
      const unknown = await create(stranger, "states", { code: "98", name: "Stranger" });
      const another = await create(stranger, "states", { code: "97", name: "Stranger too" });
      const { references, records } = await resolve(agency, [forged, unknown, another], []);
      expect(references.map(({ outcome }) => outcome)).toEqual([
        "authority_not_granted",
        "chain_not_found",
        "chain_not_found",
      ]);
      // Each path that was tried and the rule that ended it, told once.
      expect([records[unknown]!.paths, records[another]!.paths]).toEqual([
        [
          {
            field: `${stranger.entity} > ${anchor.entity}`,
            message: expect.stringMatching(/^peer_response_invalid: /),
          },
        ],
        undefined,
      ]);
    } finally {
      await stranger.close();
    }
  });

  it("refuses a version that was amended, and a revoked record", async () => {
    const href = await create(local, "states", { code: "70", name: "Old" });
    const before = await local.request("GET", `${href.slice(local.entity.length)}/evidence`);
    const token = await local.token("registrar");
    const amended = await local.request("PATCH", href.slice(local.entity.length), {
      token,
      json: { data: { name: "New" } },
      headers: { "if-match": '"1.0"' },
    });
    expect(amended.status, amended.text).toBe(200);
    expect((await resolve(agency, [href], [])).records[href]!.data).toEqual({ code: "70", name: "New" });
    expect(before.status).toBe(200);
    const revoked = await local.request("POST", `${href.slice(local.entity.length)}/revoke`, {
      token,
      json: { act: { reason: "entered twice" } },
    });
    expect(revoked.body.state).toBe("revoked");
    expect((await resolve(agency, [href], [])).records[href]).toMatchObject({
      outcome: "record_revoked",
      version: 2,
      state: { operation: "revoke" },
    });
  });

  it("tells a home node that cannot be asked apart from a reference that does not verify", async () => {
    const away = await startTestNode({ superiors: [anchor.entity], anchors: [anchor.pin(["districts"])] });
    let hrefs: string[];
    try {
      await anchor.node.federation.acceptSubordinate({ entity: away.entity, registryTypes: ["districts"] });
      await away.publish(definition("districts"));
      hrefs = [
        await create(away, "districts", { code: "1", name: "Asked before" }),
        await create(away, "districts", { code: "2", name: "Not asked before" }),
      ];
      await create(rural, "blocks", { code: "away", name: "Block", districts: [hrefs[0]!] });
    } finally {
      await away.close();
    }
    const token = await rural.token("registrar");
    const json = { data: { code: "away2", name: "Block", districts: [hrefs[1]!] } };
    const answer = await rural.request("POST", "/registries/blocks/records", { token, json });
    expect([answer.status, answer.body.code]).toEqual([502, "peer_unreachable"]);
  });
});
