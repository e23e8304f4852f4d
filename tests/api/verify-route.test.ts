// POST /verify and GET /verify/policy of a real node: what it answers, whom it asks (nobody), and what strangers may cost it.

import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { ED25519_KEY_BYTES } from "../../src/crypto/ed25519.ts";
import type { JsonObject } from "../../src/crypto/json.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { jwkThumbprint } from "../../src/crypto/keys.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { createStrangerWork } from "../../src/http/stranger-work.ts";
import { CHAIN_DEPTH_MAX, KEY_SET_KEYS_MAX, VERIFY_BODY_BYTES_MAX, VERIFY_WAITING_MAX } from "../../src/limits.ts";
import type { VerifierPolicy } from "../../src/verification/policy.ts";
import { parseVerifierPolicy } from "../../src/verification/policy-file.ts";
import { createVerifier } from "../../src/verification/verifier.ts";
import { settledCode } from "../caught-code.ts";
import { createCountedClient } from "../counted-client.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";

let node: TestNode;
let evidence: JsonObject;
const client = createCountedClient();

beforeAll(async () => {
  node = await startTestNode({ httpClient: client });
  expect((await node.publish(definition("wells"))).status).toBe(201);
  const token = await node.token("registrar");
  const json = { data: { code: "1", name: "Old well" } };
  const { body } = await node.request("POST", "/registries/wells/records", { token, json });
  evidence = (await node.request("GET", `${String(body.href).slice(node.entity.length)}/evidence`)).body;
});

afterAll(() => node?.close());

const verify = (json: JsonObject) => node.request("POST", "/verify", { json });

describe("POST /verify", () => {
  it("answers the report that the same policy gives anywhere else", async () => {
    const policy = parseVerifierPolicy((await node.request("GET", "/verify/policy")).body);
    const now = Math.floor(Date.now() / 1_000);
    for (const [given, verdict] of [
      [evidence, "valid"],
      [{ ...evidence, token: `${String(evidence.token).slice(0, -6)}AAAAA~` }, "invalid"],
      [{ token: evidence.token! }, "undecided"],
      [{ ...evidence, anchor: "mine" }, "invalid"],
    ] as const) {
      const answer = await verify(given);
      expect([answer.status, answer.body.verdict]).toEqual([200, verdict]);
      expect(answer.body).toEqual(
        JSON.parse(JSON.stringify(await createVerifier(policy).verifyText(JSON.stringify(given), { now }))),
      );
    }
  });

  it("tells in a report, too, what is no evidence, and refuses by code what it does not read", async () => {
    const damaged = await node.request("POST", "/verify", {
      body: '{"token":',
      headers: { "content-type": "application/json" },
    });
    expect([damaged.status, damaged.body.verdict]).toEqual([200, "invalid"]);
    expect((await node.request("POST", "/verify", { body: "{}" })).body.code).toBe("content_type_unsupported");
    const headers = { "content-type": "application/json" };
    const long = await node.request("POST", "/verify", { body: " ".repeat(VERIFY_BODY_BYTES_MAX + 1), headers });
    expect(long.body.code).toBe("body_too_large");
    const bytes = await node.request("POST", "/verify", { body: Uint8Array.of(0x7b, 0xff), headers });
    expect(bytes.body.code).toBe("encoding_invalid");
  });

  it("asks nobody, whomever the evidence names", async () => {
    const before = client.urls.length;
    const elsewhere = String(evidence.token);
    await verify({ token: elsewhere });
    await verify({ ...evidence, chain: [String((evidence.chain as string[])[0]), "e30.e30.AA"] });
    expect(client.urls.length).toBe(before);
  });
});

describe("GET /verify/policy", () => {
  it("gives the node itself where it pins nobody, and its pins where it does", async () => {
    const { body } = await node.request("GET", "/verify/policy");
    expect(parseVerifierPolicy(body).anchors).toMatchObject([{ entity: node.entity, registry_types: ["wells"] }]);
    const pins = [node.pin(["wells"])];
    const agency = await startTestNode({ anchors: pins });
    try {
      const own = (await agency.request("GET", "/verify/policy")).body;
      expect(own).toEqual({ anchors: JSON.parse(JSON.stringify(pins)), statusMaxAgeSeconds: 300 });
      expect((await agency.request("POST", "/verify", { json: evidence })).body.verdict).toBe("valid");
    } finally {
      await agency.close();
    }
  });
});

describe("a chain that nobody signed", () => {
  it("is refused before any of its keys is looked at, which takes 2 ms for each", async () => {
    const policy = parseVerifierPolicy((await node.request("GET", "/verify/policy")).body);
    const chain = await forgeChain(policy);
    const now = Math.floor(Date.now() / 1_000);
    const { checks } = await createVerifier(policy).verify({ ...evidence, chain }, { now });
    // Were its unsound key looked at, it would be found first.
    expect(checks.find(({ check }) => check === "issuer")).toMatchObject({ result: "fail", code: "issuer_unknown" });
  });
});

/** As long as a chain may be, of statements with as many fresh keys as they may have, below the name of a pinned anchor. */
async function forgeChain({ anchors }: VerifierPolicy): Promise<string[]> {
  const forger = createSigner(generateSeed());
  const freshKey = () => {
    // By no function that would remember the key as one that was looked at.
    const { publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-ED25519_KEY_BYTES);
    return { kty: "OKP", crv: "Ed25519", x: encodeBase64url(raw), kid: jwkThumbprint(raw) };
  };
  const names = [
    ...Array.from({ length: CHAIN_DEPTH_MAX - 1 }, (_, at) => `https://n${at}.example`),
    anchors[0]!.entity,
  ];
  const now = Math.floor(Date.now() / 1_000);
  const sign = (iss: string, sub: string) => {
    const unsound = { kty: "OKP", crv: "Ed25519", x: "A".repeat(43), kid: jwkThumbprint(new Uint8Array(32)) };
    const fresh = Array.from({ length: KEY_SET_KEYS_MAX - 2 }, freshKey);
    const keys = [{ ...forger.publicKey.jwk }, ...fresh, unsound];
    const own = iss === sub ? { metadata: {}, authority_hints: names.slice(1, 2) } : {};
    const payload = { iss, sub, iat: now - 10, exp: now + 1_000, jwks: { keys }, ...own };
    return signJws({ signer: forger, typ: "entity-statement+jwt", payload });
  };
  const steps = names.slice(0, -1).map((name, at) => [names[at + 1]!, name] as const);
  return Promise.all(
    [[names[0]!, names[0]!] as const, ...steps, [names.at(-1)!, names.at(-1)!] as const].map((step) => sign(...step)),
  );
}

describe("work for strangers", () => {
  it("is done one piece at a time, in order, with rests that keep it to its share", async () => {
    const work = createStrangerWork({ share: 0.5, waitingMax: 100 });
    const done: number[] = [];
    let running = 0;
    const startedAt = performance.now();
    const piece = (number: number) => async () => {
      expect(++running).toBe(1);
      const until = performance.now() + 20;
      while (performance.now() < until);
      running--;
      done.push(number);
    };
    await Promise.all([1, 2, 3, 4].map((number) => work.run(piece(number))));
    expect(done).toEqual([1, 2, 3, 4]);
    // Four pieces of 20 ms, and three rests as long.
    expect(performance.now() - startedAt).toBeGreaterThan(130);
  });

  it("goes on after a piece that failed, and refuses by code what would wait too long", async () => {
    const work = createStrangerWork({ share: 1, waitingMax: 2 });
    const failing = work.run(() => Promise.reject(new Error("first")));
    const second = work.run(async () => "second");
    const third = await settledCode(work.run(async () => "third"));
    await expect(failing).rejects.toThrow("first");
    expect([await second, third]).toEqual(["second", "verification_busy"]);
    expect(await work.run(async () => "fourth")).toBe("fourth");
  });

  it("costs little however hostile the evidence is", async () => {
    const policy = parseVerifierPolicy((await node.request("GET", "/verify/policy")).body);
    const room = VERIFY_BODY_BYTES_MAX - 100;
    const [jwt] = String(evidence.token).split("~");
    const disclosure = Buffer.from(JSON.stringify(["salt", "x", "y".repeat(120)])).toString("base64url");
    const hostile: readonly [string, string][] = [
      [
        "a JSON of many members",
        `{${Array.from({ length: 90_000 }, (_, at) => `"m${at}":1`)
          .join(",")
          .slice(0, room)}}`,
      ],
      ["a text of nothing but brackets", "[".repeat(room)],
      [
        "a token of a thousand disclosures",
        JSON.stringify({ ...evidence, token: `${jwt}~${`${disclosure}~`.repeat(1_000)}` }),
      ],
      [
        "a chain of long statements",
        JSON.stringify({ ...evidence, chain: Array.from({ length: 9 }, () => `${"A".repeat(100_000)}.e30.AA`) }),
      ],
      ["a long definition", JSON.stringify({ ...evidence, definition: `{"a":"${"x".repeat(700_000)}"}` })],
      [
        "a long receipt",
        JSON.stringify({ ...evidence, receipts: { recent: "c2sp.org/tlog-proof@v1\n".repeat(30_000) } }),
      ],
      ["a chain of many keys that nobody signed", JSON.stringify({ ...evidence, chain: await forgeChain(policy) })],
      ["a status list of nothing", JSON.stringify({ ...evidence, status: { token: "e30.".repeat(200_000) } })],
    ];
    for (const [name, text] of hostile) {
      const startedAt = process.cpuUsage();
      const report = await createVerifier(policy).verifyText(text, { now: Math.floor(Date.now() / 1_000) });
      const { user, system } = process.cpuUsage(startedAt);
      expect([name, report.valid]).toEqual([name, false]);
      // Measured at under 60 ms; a machine under load doubles that, a quadratic fault would be seconds.
      expect([name, (user + system) / 1_000 < 500 ? "little" : (user + system) / 1_000]).toEqual([name, "little"]);
    }
    expect(VERIFY_WAITING_MAX).toBeLessThanOrEqual(100);
  });
});
