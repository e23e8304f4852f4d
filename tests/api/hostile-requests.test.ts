// Requests that are meant to cost, to break or to pry: each is answered for what it is.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

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
});
