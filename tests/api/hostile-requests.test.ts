// Requests that are meant to cost, to break or to pry: each is answered for what it is.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

describe("a hostile request", () => {
  let node: TestNode;
  let calls: RecordCalls;

  beforeAll(async () => {
    node = await startTestNode();
    const texts = { title: { en: "Things", de: "Dinge" }, display: { en: "{name}", de: "{name}" } };
    await node.publish(definition("things", { properties: { text: { type: "string" } }, members: texts }));
    calls = await createRecordCalls(node, "things");
  });
  afterAll(() => node.close());

  it.each(["toString", "valueOf", "de-x;q=0.5, toString"])(
    "for the language %s is no fault of the node",
    async (language) => {
      const { rid } = await calls.create({ code: language, name: "One" });
      for (const path of ["", "/records", `/records/${String(rid)}`, `/records/${String(rid)}/history`, "/statistics"])
        for (const accept of ["application/json", "text/html"]) {
          const headers = { "accept-language": language, accept };
          const answer = await node.request("GET", `/registries/things${path}`, { headers });
          expect(answer.status, `${path} ${answer.text}`).toBe(200);
        }
    },
  );

  it("of a stranger to an operation of staff is refused before its body is read", async () => {
    const { hostname, port } = new URL(node.entity);
    for (const [path, type] of [
      ["/registries/things/attachments", "application/pdf"],
      ["/registries/things/records:import", "application/x-ndjson"],
      ["/registries/things/records", "application/json"],
    ]) {
      const socket = connect(Number(port), hostname);
      // A body is announced, and not one byte of it ever comes.
      socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 900000\r\n\r\n`);
      const answer = await new Promise<string>((resolve) => socket.once("data", (bytes) => resolve(String(bytes))));
      socket.destroy();
      expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    }
  });

  it("leaves nothing that a token showed in a cache", async () => {
    const token = await node.token("reader");
    const { rid } = await calls.create({ code: "cached", name: "One" });
    const record = `/registries/things/records/${String(rid)}`;
    for (const path of [
      "/registries/things/records",
      record,
      `${record}/versions`,
      `${record}/evidence`,
      `${record}/history`,
    ]) {
      const { headers } = await node.request("GET", path, { token });
      expect(headers.get("cache-control"), path).toBe("private, no-store");
      expect(headers.get("vary"), path).toContain("authorization");
    }
  });

  it("cannot watch a registry grow that is not public", async () => {
    await node.publish(definition("cases", { access: "consent" }));
    const cases = await createRecordCalls(node, "cases");
    const look = async () => {
      const seen: string[] = [];
      for (const path of ["", "/registries", "/registries/cases"])
        for (const accept of ["application/json", "text/html"]) {
          const { text } = await node.request("GET", path, { headers: { accept } });
          // The log is public: how many entries it has, and when it was last signed.
          seen.push(text.replaceAll(/"log":\{[^}]*\}/g, "").replace(/<section[^>]*log.*/s, ""));
        }
      return seen;
    };
    await cases.create({ code: "1", name: "One" });
    const before = await look();
    for (const code of ["2", "3"]) await cases.create({ code, name: "Another" });
    expect(await look()).toEqual(before);
  });

  it("for the largest records is answered in pages and batches that stay small", async () => {
    const count = 60;
    const text = "x".repeat(60_000);
    const rids: string[] = [];
    for (let at = 0; at < count; at++)
      rids.push(String((await calls.create({ code: `large ${at}`, name: "Large", text })).rid));
    const seen: unknown[] = [];
    let next = "";
    do {
      const page = await node.request("GET", `/registries/things/records?limit=500${next && `&cursor=${next}`}`);
      expect(page.text.length).toBeLessThan(8_000_000);
      seen.push(...(page.body.records as JsonObject[]).map(({ rid }) => rid));
      next = String(page.body.next ?? "");
    } while (next !== "");
    expect(seen).toEqual(expect.arrayContaining(rids));
    expect(new Set(seen).size).toBe(seen.length);
    const read = (times: number) =>
      node.request("POST", "/records:read", {
        json: { references: Array.from({ length: times }, () => ({ href: `${node.entity}${calls.path(rids[0])}` })) },
      });
    expect((await read(33)).status).toBe(200);
    expect(refusal(await read(1_000))).toBe("413 too_many_items");
  });

  it("for the history of the largest versions is answered in pages that stay small", { timeout: 60_000 }, async () => {
    const text = "y".repeat(60_000);
    const { rid } = await calls.create({ code: "long life", name: "0", text });
    for (let at = 1; at < 60; at++) await calls.amend(rid, `${at}.0`, { data: { name: String(at) } });
    for (const below of ["/history", "/versions"]) {
      const numbers: unknown[] = [];
      let next = "";
      do {
        const page = await calls.get(rid, `${below}?limit=500${next && `&cursor=${next}`}`);
        expect(page.text.length).toBeLessThan(8_000_000);
        const entries = (page.body.entries ?? page.body.versions) as JsonObject[];
        numbers.push(...entries.map(({ version }) => version));
        next = String(page.body.next ?? "");
      } while (next !== "");
      expect(numbers.length, below).toBe(60);
      expect(new Set(numbers).size, below).toBe(60);
    }
  });
});
