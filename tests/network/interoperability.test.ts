// Our tokens, status lists and definitions as another implementation of SD-JWT VC sees them, and its tokens as we do. No federation is asked.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from "node:crypto";
import { SDJwtVcInstance, TypeMetadataFormatSchema } from "@sd-jwt/sd-jwt-vc";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/crypto/json.ts";
import { decodeJws } from "../../src/crypto/jws.ts";
import { parsePublicKey } from "../../src/crypto/keys.ts";
import { verifySdJwt } from "../../src/crypto/sd-jwt.ts";
import { STATUS_LIST_TTL_SECONDS } from "../../src/limits.ts";
import { definition, startTestNode, type TestNode } from "../node-fixture.ts";
import { createRecordCalls, type RecordCalls } from "../record-calls.ts";

type KeySet = { keys: { kid: string; x: string }[] };

// A little ago, so that it never is ahead of the other implementation's clock, which is the machine's.
let now = Math.floor(Date.now() / 1_000) - 60;
let node: TestNode;
let calls: RecordCalls;

beforeAll(async () => {
  node = await startTestNode({ path: "/lgd", clock: () => now });
  const wells = definition("wells", {
    properties: {
      owner: { type: "string", "x-personal": true },
      site: {
        type: "object",
        additionalProperties: false,
        properties: { ward: { type: "string", "x-personal": true }, lot: { type: "integer" } },
      },
    },
    members: {
      title: { en: "Wells", hi: "कुएँ" },
      description: { en: "Drinking water" },
      display: { en: "Well {code}" },
    },
  });
  const published = await node.publish(wells);
  expect(published.status, published.text).toBe(201);
  calls = await createRecordCalls(node, "wells");
});

afterAll(() => node?.close());

let codes = 0;
const createWell = () =>
  calls.create({ code: `W${codes++}`, name: "Well", owner: "Asha", site: { ward: "7", lot: 12 } });

/** By the rule of SD-JWT VC: the well-known path stands between host and path of `iss`. */
async function fetchIssuerMetadata(issuer: string): Promise<{ issuer: string; jwks: KeySet; status_jwks: KeySet }> {
  const { origin, pathname } = new URL(issuer);
  const response = await fetch(`${origin}/.well-known/jwt-vc-issuer${pathname.replace(/\/$/, "")}`);
  expect(response.status).toBe(200);
  const metadata = (await response.json()) as { issuer: string; jwks: KeySet; status_jwks: KeySet };
  expect(metadata.issuer).toBe(issuer);
  return metadata;
}

/** Their `Verifier`: is told no header, so that it tries the keys. */
const verifierOf =
  ({ keys }: KeySet) =>
  async (data: string, signature: string) =>
    keys.some(({ x }) =>
      verify(
        null,
        Buffer.from(data),
        createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }),
        Buffer.from(signature, "base64url"),
      ),
    );

// What their package takes as `hasher`, and how it is called, is its own business.
const hasher = (data: string | ArrayBuffer, algorithm: string) =>
  new Uint8Array(
    createHash(algorithm.replace("-", ""))
      .update(typeof data === "string" ? data : new Uint8Array(data))
      .digest(),
  );

async function createTheirs(issuer: string) {
  const { jwks, status_jwks } = await fetchIssuerMetadata(issuer);
  return new SDJwtVcInstance({
    hasher,
    hashAlg: "sha-256",
    verifier: verifierOf(jwks),
    statusVerifier: verifierOf(status_jwks),
    loadTypeMetadataFormat: true,
    // Their own check of the integrity compares base64 with hex, and so refuses every document.
    vctFetcher: async (uri, integrity) => {
      const response = await fetch(uri);
      expect(response.headers.get("content-type")).toBe("application/json");
      const text = await response.text();
      expect(integrity).toBe(`sha256-${createHash("sha256").update(text).digest("base64")}`);
      return TypeMetadataFormatSchema.parse(JSON.parse(text));
    },
  });
}

async function tokenOf(rid: unknown, bearer?: string): Promise<string> {
  const headers = { accept: "application/dc+sd-jwt" };
  const answer = await node.request("GET", calls.path(rid), { headers, token: bearer });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/dc+sd-jwt"]);
  return answer.text;
}

describe("a token of ours, verified by @sd-jwt/sd-jwt-vc", () => {
  it("shows what it discloses, is not revoked by its status list, and has type metadata with the hash that it names", async () => {
    const token = await tokenOf((await createWell()).rid, await node.token("reader"));
    const theirs = await createTheirs(node.entity);
    const { payload, header, typeMetadata } = await theirs.verify(token);
    expect(header).toMatchObject({ typ: "dc+sd-jwt", alg: "Ed25519" });
    expect(payload).toMatchObject({
      iss: node.entity,
      data: { name: "Well", owner: "Asha", site: { ward: "7", lot: 12 } },
    });
    expect(typeMetadata?.mergedTypeMetadata).toMatchObject({
      vct: payload.vct,
      name: "wells",
      description: "Drinking water",
      display: [
        { locale: "en", name: "Wells", description: "Drinking water" },
        { locale: "hi", name: "कुएँ" },
      ],
    });
  });

  it("keeps to itself what it does not disclose", async () => {
    const { payload } = await (await createTheirs(node.entity)).verify(await tokenOf((await createWell()).rid));
    const { data } = payload as unknown as { data: JsonObject };
    expect(data).toMatchObject({ name: "Well", site: { lot: 12 } });
    expect(JSON.stringify(data)).not.toContain("Asha");
  });

  it("fails once the record is suspended, and as soon as a character is changed", async () => {
    const well = await createWell();
    const token = await tokenOf(well.rid);
    const theirs = await createTheirs(node.entity);
    await theirs.verify(token);
    const at = token.indexOf(".") + 20;
    const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    await expect(theirs.verify(changed)).rejects.toThrow();
    await calls.change(well.rid, "suspend");
    now += STATUS_LIST_TTL_SECONDS;
    await expect(theirs.verify(token)).rejects.toThrow("Status is not valid");
  });

  it("needs the keys of records for records and those of status lists for status lists", async () => {
    const { jwks, status_jwks } = await fetchIssuerMetadata(node.entity);
    const kids = (set: KeySet) => set.keys.map(({ kid }) => kid);
    expect(kids(jwks)).toEqual([node.secrets.signers.record.publicKey.kid]);
    expect(kids(status_jwks)).toEqual([node.secrets.signers.status.publicKey.kid]);
    const token = await tokenOf((await createWell()).rid);
    const swapped = new SDJwtVcInstance({ hasher, hashAlg: "sha-256", verifier: verifierOf(status_jwks) });
    await expect(swapped.verify(token)).rejects.toThrow();
    expect(decodeJws(token.split("~")[0]!).header.kid).toBe(kids(jwks)[0]);
  });
});

describe("a token of @sd-jwt/sd-jwt-vc, verified by us", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "der" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  // An Ed25519 SPKI ends with the key's 32 bytes.
  const key = parsePublicKey({ kty: "OKP", crv: "Ed25519", x: publicKey.subarray(-32).toString("base64url") });
  const signer = async (data: string) =>
    sign(null, Buffer.from(data), createPrivateKey({ key: privateKey, format: "der", type: "pkcs8" })).toString(
      "base64url",
    );
  const theirs = (signAlg: string) =>
    new SDJwtVcInstance({
      hasher,
      hashAlg: "sha-256",
      signer,
      signAlg,
      saltGenerator: async (length: number) => randomBytes(length).toString("base64url"),
    });
  const claims = {
    iss: "https://issuer.example",
    vct: "https://issuer.example/types/1",
    iat: 1_790_000_000,
    name: "Asha",
    address: { street: "Main", city: "Pune" },
    languages: ["mr", "hi", "en"],
  };
  const verifyOurs = (token: string) => verifySdJwt(token, { typ: "dc+sd-jwt", keys: [key], acceptEdDSA: true });

  it.each(["EdDSA", "Ed25519"])(
    "gives the claims that were put in, signed as %s, without disclosures and with all kinds of them",
    async (alg) => {
      const header = { kid: key.kid };
      const plain = await theirs(alg).issue(claims, undefined, { header });
      expect((await verifyOurs(plain)).claims).toMatchObject(claims);
      const frame = {
        _sd: ["name", "address"],
        address: { _sd: ["street", "city"], _sd_decoy: 2 },
        languages: { _sd: [0, 2] },
        _sd_decoy: 3,
      };
      const disclosable = await theirs(alg).issue(claims, frame as never, { header });
      const found = await verifyOurs(disclosable);
      expect(found.claims).toMatchObject(claims);
      const withheld = await verifyOurs(`${disclosable.split("~")[0]}~`);
      expect(withheld.claims).not.toHaveProperty("name");
      expect(withheld.claims.languages).toEqual(["hi"]);
    },
  );

  it("is refused with another key, another type, or a disclosure too many", async () => {
    const token = await theirs("Ed25519").issue(claims, { _sd: ["name"] }, { header: { kid: key.kid } });
    const other = node.secrets.signers.record.publicKey;
    await expect(verifySdJwt(token, { typ: "dc+sd-jwt", keys: [other] })).rejects.toMatchObject({
      code: "key_unknown",
    });
    await expect(verifySdJwt(token, { typ: "vc+sd-jwt", keys: [key] })).rejects.toThrow();
    const stray = Buffer.from(JSON.stringify(["salt", "role", "admin"])).toString("base64url");
    await expect(verifyOurs(`${token}${stray}~`)).rejects.toMatchObject({ code: "disclosure_invalid" });
  });
});
