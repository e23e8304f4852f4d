// Which answers a page of another origin may read: what anybody may read and verify, and never what was asked for with credentials.
import { afterAll, beforeAll, expect, test } from "vitest";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls } from "../record-calls.ts";

const ORIGIN = { origin: "https://elsewhere.example" };

let node: TestNode;
const rids: Record<string, string> = {};

beforeAll(async () => {
  node = await startTestNode();
  for (const access of ["public", "members"]) {
    await node.publish(definition(`${access}-things`, { access }));
    const calls = await createRecordCalls(node, `${access}-things`);
    rids[access] = String((await calls.create({ code: "1", name: "One" })).rid);
  }
});

afterAll(() => node?.close());

const below = (access: string, what: string): string => `/registries/${access}-things/records/${rids[access]}/${what}`;

async function askFromPage(path: string, token?: string): Promise<[number, string | null, string | null]> {
  const { status, headers } = await node.request("GET", path, { headers: ORIGIN, token });
  return [status, headers.get("access-control-allow-origin"), headers.get("access-control-allow-credentials")];
}

test("a page of any origin reads the evidence and the receipt of a public record, and that there is none", async () => {
  expect(await askFromPage(below("public", "evidence"))).toEqual([200, "*", null]);
  expect(await askFromPage(below("public", "receipt"))).toEqual([200, "*", null]);
  expect(await askFromPage(below("public", "evidence?version=9"))).toEqual([404, "*", null]);
  const erased = (await createRecordCalls(node, "public-things")).create({ code: "2", name: "Two" });
  const { rid } = await erased;
  const token = await node.token("registrar");
  const json = { act: { reason: "notification", instrument: "Order 1" } };
  await node.request("POST", `/registries/public-things/records/${String(rid)}/erase`, { token, json });
  expect(await askFromPage(`/registries/public-things/records/${String(rid)}/evidence`)).toEqual([410, "*", null]);
});

test("status lists, definitions, logs and statements are read by any page, too", async () => {
  const paths = [
    "/status/0",
    "/registries/public-things/schema/1",
    "/log/records/checkpoint",
    "/.well-known/openid-federation",
    "/federation/historical-keys",
  ];
  for (const path of paths) expect(await askFromPage(path), path).toEqual([200, "*", null]);
});

test("no page reads what is for members, or what was asked for with a token", async () => {
  const token = await node.token("reader");
  const asked = [
    await askFromPage(below("members", "evidence")),
    await askFromPage(below("members", "evidence"), token),
    await askFromPage(below("public", "evidence"), token),
  ];
  expect(asked.map(([, origin]) => origin)).toEqual([null, null, null]);
  expect(asked.map(([status]) => status)).toEqual([asked[0]![0], 200, 200]);
  expect(asked[0]![0]).toBeGreaterThanOrEqual(401);
});

test("a browser that asks whether it may send a token is told nothing that lets it", async () => {
  const headers = {
    ...ORIGIN,
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization",
  };
  const response = await node.request("OPTIONS", below("public", "evidence"), { headers });
  expect(response.status).toBe(405);
  expect(response.headers.get("access-control-allow-headers")).toBeNull();
});
