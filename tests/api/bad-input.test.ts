// What clients send that nobody should: each is refused by a 4xx with a stable code, and the node serves on.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { BODY_BYTES_MAX } from "../../src/limits.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { sendRaw } from "../raw-request.ts";
import { createRecordCalls, type RecordCalls, refusal } from "../record-calls.ts";

const REQUEST_MS = 2_000;
const MEGABYTE = 1_048_576;

let node: TestNode;
let calls: RecordCalls;
let token: string;
let port: number;
let good = 0;

beforeAll(async () => {
  const timeouts = { headersMs: REQUEST_MS, requestMs: REQUEST_MS, checkMs: 200 };
  node = await startTestNode({ timeouts });
  const properties = { count: { type: "number" }, any: {}, "x~y/z": { type: "string" } };
  expect((await node.publish(definition("wells", { properties }))).status).toBe(201);
  calls = await createRecordCalls(node, "wells");
  token = await node.token("registrar");
  port = Number(new URL(node.entity).port);
});

afterAll(() => node?.close());

// Whatever was sent before: the next good request is answered, in full and from the same state.
afterEach(async () => {
  const created = await calls.create({ code: `good-${good++}`, name: "Good" });
  expect((await calls.get(created.rid, "", token)).body).toEqual(created);
});

const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  node.request("POST", "/registries/wells/records", {
    token,
    body,
    headers: { "content-type": "application/json", ...headers },
  });

const record = (data: string): string => `{"data":{"code":"bad","name":"n",${data}}}`;

describe("a body", () => {
  it.each<[string, string, string]>([
    ["cut off", '{"data":{"code":"bad"', "400 json_invalid"],
    ["empty", "", "400 json_invalid"],
    ["of JavaScript", "{data:{code:'bad'}}", "400 json_invalid"],
    ["with a comma too many", record('"count":1,').replace("}}", "}}"), "400 json_invalid"],
    ["with something after its end", `${record('"count":1')} {}`, "400 json_invalid"],
    ["behind a byte order mark", `\uFEFF${record('"count":1')}`, "400 json_invalid"],
    ["with NaN", record('"count":NaN'), "400 json_invalid"],
    ["with a raw control character", record('"any":"a\u0001"'), "400 json_invalid"],
    ["with duplicate keys", record('"count":1,"count":2'), "400 json_duplicate_key"],
    ["with keys that are duplicate once unescaped", record('"count":1,"c\\u006funt":2'), "400 json_duplicate_key"],
    ["with __proto__", record('"__proto__":{"admin":true}'), "400 json_forbidden_key"],
    ["with an escaped __proto__", record('"\\u005f_proto__":{}'), "400 json_forbidden_key"],
    ["nested 10,000 deep in arrays", record(`"any":${"[".repeat(10_000)}${"]".repeat(10_000)}`), "400 json_too_deep"],
    ["nested 10,000 deep in objects", '{"data":'.repeat(10_000), "400 json_too_deep"],
    ["with a number beyond 2^53", record('"count":9007199254740993'), "400 json_number_unsafe"],
    ["with a number beyond every double", record('"count":1e400'), "400 json_number_unsafe"],
    ["with a number too small for a double", record('"count":1e-400'), "400 json_number_unsafe"],
    ["with half of a surrogate pair", record('"any":"\\ud800"'), "400 json_lone_surrogate"],
    ["with halves in the wrong order", record('"any":"\\udc00\\ud800"'), "400 json_lone_surrogate"],
    ["with an unknown field", record('"colour":"red"'), "422 record_invalid"],
    ["with an unknown field that objects inherit", record('"constructor":{"name":"x"}'), "422 record_invalid"],
    [
      "with an unknown member beside the data",
      '{"data":{"code":"bad","name":"n"},"rid":"mine"}',
      "400 request_invalid",
    ],
    ["that is null", "null", "400 request_invalid"],
    ["that is a text", '"data"', "400 request_invalid"],
    ["that is a list", "[]", "400 request_invalid"],
  ])("%s is refused", async (_name, body, expected) => {
    expect(refusal(await post(body))).toBe(expected);
  });

  it.each<[string, number[]]>([
    ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
    ["an overlong slash", [0xc0, 0xaf]],
    ["a sequence cut off", [0xe2, 0x82]],
    ["a byte that is never there", [0xff]],
    ["a character beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
  ])("that is no UTF-8 is refused: %s", async (_name, bytes) => {
    const [before, after] = record('"any":"|"').split("|") as [string, string];
    const body = Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
    expect(refusal(await post(body))).toBe("400 encoding_invalid");
  });

  it("with NUL and other control characters, escaped as JSON asks, is kept as it is", async () => {
    const data = { code: "nul\u0000", name: "a\u0000b\u001f", any: { "\u0000": "\u0000" }, "x~y/z": "\u2028" };
    const created = await calls.create(data);
    expect((await calls.get(created.rid)).body.data).toEqual(data);
    const found = await node.request("GET", "/registries/wells/records?code=nul%00");
    expect((found.body.records as JsonObject[]).map(({ rid }) => rid)).toEqual([created.rid]);
    const act = { reason: "r\u0000", instrument: "\u0000" };
    expect((await calls.revoke(created.rid, { act })).body.state).toBe("revoked");
  });

  it.each<[string, Record<string, string>]>([
    ["form data", { "content-type": "application/x-www-form-urlencoded" }],
    ["a media type that only begins like JSON", { "content-type": "application/jsonp" }],
    ["a text", { "content-type": "text/plain" }],
    ["another charset", { "content-type": "application/json; charset=utf-16" }],
    ["no media type", { "content-type": "" }],
  ])("of %s is refused", async (_name, headers) => {
    expect(refusal(await post(record('"count":1'), headers))).toBe("415 content_type_unsupported");
  });

  it("in UTF-8 may say so", async () => {
    const answer = await post('{"data":{"code":"charset","name":"n"}}', {
      "content-type": 'Application/JSON; charset="UTF-8"',
    });
    expect(answer.status).toBe(201);
  });

  it("that claims an encoding is not taken for another text", async () => {
    const answer = await post(Buffer.from([0x1f, 0x8b, 8, 0]), { "content-encoding": "gzip" });
    expect(refusal(answer)).toBe("415 content_type_unsupported");
  });
});

describe("a body of 100 MB", () => {
  const head = (header: string) =>
    `POST /registries/wells/records HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${header}\r\n\r\n`;

  async function growth(run: () => Promise<unknown>): Promise<number> {
    let most = 0;
    const before = process.memoryUsage().rss;
    const timer = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 10);
    await run();
    clearInterval(timer);
    return (Math.max(most, process.memoryUsage().rss) - before) / MEGABYTE;
  }

  it("is refused by its declared length, before it is sent", async () => {
    const answer = await sendRaw(port, [head(`Content-Length: ${100 * MEGABYTE}`)]);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([413, "body_too_large"]);
  });

  it.each([
    ["declared", `Content-Length: ${100 * MEGABYTE}`, (chunk: Buffer) => [chunk]],
    [
      "in chunks",
      "Transfer-Encoding: chunked",
      (chunk: Buffer) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")],
    ],
  ] as const)("%s is refused while it comes, and takes no memory", async (_name, header, frame) => {
    const chunk = Buffer.alloc(MEGABYTE, "[");
    const chunks = [head(header), ...Array.from({ length: 100 }, () => frame(chunk)).flat()];
    const grown = await growth(async () => {
      const answer = await sendRaw(port, chunks, { pause: 1 });
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([413, "body_too_large"]);
    });
    expect(grown).toBeLessThan(60);
  });

  it("is refused one byte beyond the limit, and read up to it", async () => {
    const body = (length: number) => `"${"x".repeat(length - 2)}"`;
    expect(refusal(await post(body(BODY_BYTES_MAX)))).toBe("400 request_invalid");
    expect(refusal(await post(body(BODY_BYTES_MAX + 1)))).toBe("413 body_too_large");
  });

  it("is refused when it inflates out of many lines of an import", async () => {
    const lines = `${"{}\n".repeat(2_001)}`;
    const answer = await node.request("POST", "/registries/wells/records:import", {
      token,
      body: lines,
      headers: { "content-type": "application/x-ndjson" },
    });
    expect(refusal(answer)).toBe("413 too_many_items");
  });
});

describe("an address", () => {
  it.each<[string, string, string]>([
    ["of nothing", "/nothing", "404 not_found"],
    ["with a NUL as a registry", "/registries/%00", "404 registry_unknown"],
    ["with a NUL as a registry type", "/federation/directory?type=%00", "400 query_invalid"],
    ["with a NUL as a former name", "/federation/directory?formerly=%00", "400 query_invalid"],
    ["with a NUL as a registry's version", "/registries/%00/schema/1", "404 registry_unknown"],
    ["with a NUL as a record", "/registries/wells/records/%00", "404 record_unknown"],
    ["with broken percent-encoding", "/registries/%E0%A4%A", "404 registry_unknown"],
    ["with encoded slashes", "/registries/wells%2Frecords", "404 registry_unknown"],
    ["with encoded dots", "/registries/%2e%2e%2fwells", "404 registry_unknown"],
    ["of what objects inherit", "/registries/constructor", "404 registry_unknown"],
    ["of another log", "/log/__proto__/checkpoint", "404 not_found"],
    ["of a status list that is none", "/status/-1", "400 query_invalid"],
    ["of a status list not begun", "/status/999999999999999", "404 not_found"],
    ["of a version beyond every integer", "/registries/wells/schema/99999999999999999999", "400 query_invalid"],
    ["with thousands of parameters", `/registries/wells/records?${"a=&".repeat(5_000)}`, "400 query_invalid"],
  ])("%s is refused", async (_name, path, expected) => {
    expect(refusal(await node.request("GET", path))).toBe(expected);
  });

  it.each<[string, string]>([
    ["that climbs", "/registries/../../../../etc/passwd"],
    ["with a backslash", "/registries\\..\\wells"],
    ["of another server", "http://elsewhere.example/etc/passwd"],
    ["that is an asterisk", "*"],
    ["that does not begin with a slash", "registries/wells"],
    ["with a control character", "/registries/\u0001"],
  ])("%s, as no client would send it, leads nowhere", async (_name, target) => {
    const answer = await sendRaw(port, [`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`]);
    expect([400, 404]).toContain(answer.status);
    expect(["not_found", "request_invalid"]).toContain(JSON.parse(answer.body).code);
  });

  it("with a method that it does not have names those it has", async () => {
    for (const [method, path, allow] of [
      ["DELETE", "/registries/wells", "GET, PUT"],
      ["PUT", "/registries/wells/records", "GET, POST"],
      ["DELETE", calls.path("00000000-0000-8000-8000-000000000000"), "GET, PATCH"],
      ["POST", "/log/records/checkpoint", "GET"],
      ["PROPFIND", "/resolve", "POST"],
      ["POST", "/", "GET"],
    ] as const) {
      const answer = await node.request(method, path);
      expect([path, refusal(answer), answer.headers.get("allow")]).toEqual([path, "405 method_not_allowed", allow]);
    }
    expect(refusal(await node.request("DELETE", "/nothing"))).toBe("404 not_found");
  });
});

describe("a request that HTTP itself refuses", () => {
  const host = () => `Host: 127.0.0.1:${port}`;
  it.each<[string, () => string, number, string]>([
    [
      "headers beyond their size",
      () => `GET / HTTP/1.1\r\n${host()}\r\nX: ${"x".repeat(40_000)}\r\n\r\n`,
      431,
      "header_too_large",
    ],
    [
      "an address beyond its size",
      () => `GET /?${"a=1&".repeat(10_000)} HTTP/1.1\r\n${host()}\r\n\r\n`,
      431,
      "header_too_large",
    ],
    ["a NUL in a header", () => `GET / HTTP/1.1\r\n${host()}\r\nX: a\u0000b\r\n\r\n`, 400, "request_invalid"],
    ["no HTTP", () => "\u0016\u0003\u0001\u0002\u0000\r\n\r\n", 400, "request_invalid"],
    [
      "two lengths",
      () => `POST /resolve HTTP/1.1\r\n${host()}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}`,
      400,
      "request_invalid",
    ],
    [
      "a length beside chunks, which would smuggle a second request",
      () => `POST /resolve HTTP/1.1\r\n${host()}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      "request_invalid",
    ],
    ["a host that is none", () => "GET /registries HTTP/1.1\r\nHost: a b/c?\r\n\r\n", 400, "request_invalid"],
    [
      "a chunk that is none",
      () =>
        `POST /resolve HTTP/1.1\r\n${host()}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
      "request_invalid",
    ],
  ])("is answered by problem details: %s", async (_name, bytes, status, code) => {
    const answer = await sendRaw(port, [bytes()]);
    expect([answer.status, JSON.parse(answer.body).code]).toEqual([status, code]);
  });
});

describe("slow clients", () => {
  it("are cut off by a stable code, in headers and in bodies, while others are served", async () => {
    const head = `POST /registries/wells/records HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\n`;
    const body = `${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n`;
    const drops = Array.from({ length: 40 }, () => "[");
    const slow = Array.from({ length: 50 }, (_, i) =>
      sendRaw(port, i % 2 === 0 ? [body, ...drops] : [head, ...drops.map(() => "X: y\r\n")], { pause: 100 }),
    );
    const during = await calls.create({ code: "during", name: "served" });
    expect(during.version).toBe(1);
    for (const answer of await Promise.all(slow))
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([408, "request_timeout"]);
  });

  it("that go away in the middle of a body leave nothing behind", async () => {
    const head = `POST /registries/wells/records HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"data":`;
    const { connect } = await import("node:net");
    await Promise.all(
      Array.from({ length: 50 }, () => {
        const socket = connect(port, "127.0.0.1");
        return new Promise<void>((resolve) => {
          socket.on("error", () => {});
          socket.on("close", () => resolve());
          socket.write(head, () => setTimeout(() => socket.resetAndDestroy(), 20));
        });
      }),
    );
    expect((await node.request("GET", "/readyz")).body).toEqual({ status: "ready" });
  });
});
