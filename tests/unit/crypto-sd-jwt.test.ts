// Every rule by which RFC 9901 §7.1 and SD-JWT VC refuse a token, and that what we build passes all of them.
import { describe, expect, test } from "vitest";
import { encodeBase64url, encodeBase64urlText } from "../../src/crypto/base64.ts";
import type { Json, JsonObject } from "../../src/crypto/json.ts";
import { signJws } from "../../src/crypto/jws.ts";
import { randomBytes } from "../../src/crypto/random.ts";
import { buildSdJwt, formatSdJwt, parseSdJwt, verifySdJwt } from "../../src/crypto/sd-jwt.ts";
import { disclosureDigest, processDisclosures } from "../../src/crypto/sd-jwt-disclosures.ts";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { DISCLOSURES_MAX, TOKEN_CHARS_MAX } from "../../src/limits.ts";

const withCode = (code: ErrorCode) => expect.objectContaining({ name: "AttestryError", code });
const salt = () => encodeBase64url(randomBytes(16));
const encode = (value: Json) => encodeBase64urlText(JSON.stringify(value));
const digest = disclosureDigest;

const nameDisclosure = encode(["s1", "name", "Asha"]);
const elementDisclosure = encode(["s2", "kn"]);

describe("parseSdJwt", () => {
  test("takes apart what formatSdJwt puts together", () => {
    for (const disclosures of [[], ["d1"], ["d1", "d2"]]) {
      expect(parseSdJwt(formatSdJwt("h.p.s", disclosures))).toEqual({ jwt: "h.p.s", disclosures });
    }
  });

  test("gives the key binding apart from the disclosures", () => {
    expect(parseSdJwt("h.p.s~d1~kh.kp.ks")).toEqual({ jwt: "h.p.s", disclosures: ["d1"], keyBinding: "kh.kp.ks" });
  });

  const refused: [what: string, text: string, code: ErrorCode][] = [
    ["a bare JWT", "h.p.s", "sd_jwt_invalid"],
    ["no JWT", "~d1~", "sd_jwt_invalid"],
    ["an empty disclosure", "h.p.s~~d1~", "sd_jwt_invalid"],
    ["two tildes at the end", "h.p.s~d1~~", "sd_jwt_invalid"],
    ["a last disclosure without its tilde", "h.p.s~d1~d2", "sd_jwt_invalid"],
    ["too long a text", `h.p.s~${"d".repeat(TOKEN_CHARS_MAX)}~`, "sd_jwt_invalid"],
    ["too many disclosures", `h.p.s~${"d~".repeat(DISCLOSURES_MAX + 1)}`, "too_many_items"],
  ];

  test.each(refused)("refuses %s", (_what, text, code) => {
    expect(() => parseSdJwt(text)).toThrow(withCode(code));
  });
});

describe("processDisclosures", () => {
  test("puts nested claims and elements back and counts what is held back", () => {
    const street = encode(["s3", "street", "12 Temple Road"]);
    const city = encode(["s4", "city", "Mysuru"]);
    const address = encode(["s5", "address", { _sd: [digest(street), digest(city)], country: "IN" }]);
    const payload = {
      _sd_alg: "sha-256",
      _sd: [digest(address), digest("decoy")],
      languages: ["en", { "...": digest(elementDisclosure) }, { "...": digest("hidden") }],
    };
    expect(processDisclosures(payload, [address, city, elementDisclosure])).toEqual({
      claims: { languages: ["en", "kn"], address: { country: "IN", city: "Mysuru" } },
      undisclosedCount: 3,
      undisclosedByMember: new Map([["languages", 1]]),
    });
  });

  test("leaves the payload as it is", () => {
    const payload = { _sd: [digest(nameDisclosure)], inner: { a: [1] } };
    const before = structuredClone(payload);
    processDisclosures(payload, [nameDisclosure]);
    expect(payload).toEqual(before);
  });

  test("lets iat, sub and claims inside of others be disclosed", () => {
    const disclosures = [encode(["s", "iat", 1]), encode(["s", "sub", "x"]), encode(["s", "iss", "inner"])];
    const [iat, sub, inner] = disclosures.map(digest);
    const payload = { _sd: [iat!, sub!], data: { _sd: [inner!] } };
    expect(processDisclosures(payload, disclosures).claims).toEqual({ data: { iss: "inner" }, iat: 1, sub: "x" });
  });

  const showing = (disclosure: string): [JsonObject, string[]] => [{ _sd: [digest(disclosure)] }, [disclosure]];
  const nested = (levels: number): [JsonObject, string[]] => {
    const disclosures = [encode(["s", "x", 1])];
    for (let i = 1; i < levels; i++) disclosures.push(encode(["s", "x", { _sd: [digest(disclosures[i - 1]!)] }]));
    return [{ _sd: [digest(disclosures.at(-1)!)] }, disclosures];
  };

  test("follows disclosures as deep as JSON may be, and no deeper", () => {
    expect(processDisclosures(...nested(64)).undisclosedCount).toBe(0);
    expect(() => processDisclosures(...nested(66))).toThrow(withCode("json_too_deep"));
  });

  const refused: [what: string, input: [JsonObject, string[]], code: ErrorCode][] = [
    [
      "a repeated disclosure",
      [{ _sd: [digest(nameDisclosure)] }, [nameDisclosure, nameDisclosure]],
      "disclosure_invalid",
    ],
    ["a disclosure that nothing names", [{ a: 1 }, [nameDisclosure]], "disclosure_invalid"],
    [
      "a disclosure named only by one that is not shown",
      [{ _sd: [digest("outer")] }, [nameDisclosure]],
      "disclosure_invalid",
    ],
    ["a digest twice in one _sd", [{ _sd: [digest("x"), digest("x")] }, []], "disclosure_invalid"],
    ["a digest twice at two levels", [{ _sd: [digest("x")], in: { _sd: [digest("x")] } }, []], "disclosure_invalid"],
    [
      "a digest in an object and in an array",
      [{ _sd: [digest("x")], in: [{ "...": digest("x") }] }, []],
      "disclosure_invalid",
    ],
    [
      "a digest again inside a disclosed value",
      (() => {
        const outer = encode(["s", "outer", { _sd: [digest("x")] }]);
        return [{ _sd: [digest("x"), digest(outer)] }, [outer]];
      })(),
      "disclosure_invalid",
    ],
    [
      "a name that is there already",
      [{ name: "x", _sd: [digest(nameDisclosure)] }, [nameDisclosure]],
      "disclosure_invalid",
    ],
    [
      "a name disclosed twice",
      (() => {
        const again = encode(["s9", "name", "Mallory"]);
        return [{ _sd: [digest(nameDisclosure), digest(again)] }, [nameDisclosure, again]];
      })(),
      "disclosure_invalid",
    ],
    ["a disclosure of one element", showing(encode(["s"])), "disclosure_invalid"],
    ["a disclosure of four elements", showing(encode(["s", "a", 1, 2])), "disclosure_invalid"],
    ["an empty disclosure", showing(encode([])), "disclosure_invalid"],
    ["a disclosure that is an object", showing(encode({ salt: "s" })), "disclosure_invalid"],
    ["a salt that is no text", showing(encode([1, "a", 1])), "disclosure_invalid"],
    ["a name that is no text", showing(encode(["s", 1, 1])), "disclosure_invalid"],
    ["an element's disclosure for a claim", showing(elementDisclosure), "disclosure_invalid"],
    [
      "a claim's disclosure for an element",
      [{ list: [{ "...": digest(nameDisclosure) }] }, [nameDisclosure]],
      "disclosure_invalid",
    ],
    ["a claim named _sd", showing(encode(["s", "_sd", []])), "disclosure_invalid"],
    ["a claim named ...", showing(encode(["s", "...", "x"])), "disclosure_invalid"],
    ["a claim named _sd_alg", showing(encode(["s", "_sd_alg", "sha-256"])), "disclosure_invalid"],
    ["a claim named __proto__", showing(encode(["s", "__proto__", { admin: true }])), "json_forbidden_key"],
    ["_sd that is no array", [{ _sd: digest("x") }, []], "disclosure_invalid"],
    ["_sd that is null", [{ _sd: null }, []], "disclosure_invalid"],
    ["a digest that is no text", [{ _sd: [1] }, []], "disclosure_invalid"],
    ["an element's digest that is no text", [{ list: [{ "...": 1 }] }, []], "disclosure_invalid"],
    ["... beside another member", [{ list: [{ "...": digest("x"), a: 1 }] }, []], "disclosure_invalid"],
    ["... outside of an array", [{ inner: { "...": digest("x") } }, []], "disclosure_invalid"],
    ["_sd_alg below the top", [{ inner: { _sd_alg: "sha-256" } }, []], "disclosure_invalid"],
    ["another _sd_alg", [{ _sd_alg: "sha-512" }, []], "sd_jwt_invalid"],
    ["_sd_alg in capitals", [{ _sd_alg: "SHA-256" }, []], "sd_jwt_invalid"],
    ["_sd_alg null", [{ _sd_alg: null }, []], "sd_jwt_invalid"],
    ["a disclosure with padding", showing(`${encode(["s", "ab", 1])}=`), "encoding_invalid"],
    ["a disclosure with slack bits", showing("WyJzIiwiYSIsMV1"), "encoding_invalid"],
    [
      "a disclosure that is no UTF-8",
      showing(encodeBase64url(Uint8Array.of(0x5b, 0x22, 0xff, 0x22, 0x5d))),
      "encoding_invalid",
    ],
    ["a disclosure that is no JSON", showing(encodeBase64urlText('["s","a",1')), "json_invalid"],
    ["a disclosure with a member twice", showing(encodeBase64urlText('["s","a",{"b":1,"b":2}]')), "json_duplicate_key"],
    ["too many disclosures", [{}, new Array<string>(DISCLOSURES_MAX + 1).fill("x")], "too_many_items"],
    ["a digest inside of status", [{ status: { _sd: [digest("x")] } }, []], "disclosure_invalid"],
    ["a digest deep inside of cnf", [{ cnf: { jwk: [{ "...": digest("x") }] } }, []], "disclosure_invalid"],
  ];

  test.each(refused)("refuses %s", (_what, [payload, disclosures], code) => {
    expect(() => processDisclosures(payload, disclosures)).toThrow(withCode(code));
  });

  test.each(["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"])(
    "refuses %s out of a disclosure",
    (name) => {
      expect(() => processDisclosures(...showing(encode(["s", name, 1])))).toThrow(withCode("disclosure_invalid"));
    },
  );
});

describe("buildSdJwt", () => {
  const payload = {
    iss: "https://land.example",
    status: { status_list: { idx: 1 } },
    data: { name: "Asha", address: { city: "Mysuru", street: "12 Temple Road" }, owners: ["a", { id: "b" }], plot: 7 },
  };
  const hidden = ["data.name", "data.address", "data.address.street", "data.owners.1", "data.owners.1.id"];
  const isDisclosable = (path: readonly (string | number)[]) => hidden.includes(path.join("."));

  test("hides at every level what it was told, and nothing else", () => {
    const built = buildSdJwt({ payload, isDisclosable, salt });
    expect(built.disclosures).toHaveLength(5);
    expect(built.payload).toEqual({
      iss: payload.iss,
      status: payload.status,
      data: {
        owners: ["a", { "...": expect.stringMatching(/^[\w-]{43}$/) }],
        plot: 7,
        _sd: [expect.stringMatching(/^[\w-]{43}$/), expect.stringMatching(/^[\w-]{43}$/)],
      },
      _sd_alg: "sha-256",
    });
    expect(JSON.stringify(built.payload)).not.toMatch(/Asha|Mysuru|Temple/);
  });

  test("gives a payload that opens again to exactly what went in, which stays as it was", () => {
    const before = structuredClone(payload);
    const built = buildSdJwt({ payload, isDisclosable, salt });
    const { claims, undisclosedCount } = processDisclosures(built.payload, built.disclosures);
    expect(claims).toEqual(payload);
    expect(undisclosedCount).toBe(0);
    expect(payload).toEqual(before);
  });

  test("shows the city without the street", () => {
    const built = buildSdJwt({ payload, isDisclosable, salt });
    const address = built.disclosures.filter((text) => Buffer.from(text, "base64url").includes("address"));
    const { claims, undisclosedCount } = processDisclosures(built.payload, address);
    expect(claims.data).toEqual({ address: { city: "Mysuru" }, owners: ["a"], plot: 7 });
    expect(undisclosedCount).toBe(3);
  });

  test("sorts the digests, so that their order tells nothing", () => {
    const data = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`field${index}`, index]));
    const built = buildSdJwt({ payload: data, isDisclosable: () => true, salt });
    const digests = built.payload._sd as string[];
    expect(digests).toEqual([...digests].sort());
    expect(digests).toHaveLength(20);
  });

  test("takes a salt for each disclosure from the caller", () => {
    let drawn = 0;
    const { disclosures } = buildSdJwt({ payload, isDisclosable, salt: () => `salt${drawn++}` });
    const salts = disclosures.map((text) => JSON.parse(Buffer.from(text, "base64url").toString())[0]);
    expect(new Set(salts)).toEqual(new Set(["salt0", "salt1", "salt2", "salt3", "salt4"]));
  });

  const deep = JSON.parse(`${'{"a":'.repeat(70)}1${"}".repeat(70)}`) as JsonObject;
  const refused: [
    what: string,
    input: JsonObject,
    hide: (path: readonly (string | number)[]) => boolean,
    code: ErrorCode,
  ][] = [
    ["to hide iss", payload, ([name]) => name === "iss", "sd_jwt_invalid"],
    ["to hide a part of status", payload, (path) => path.join() === "status,status_list,idx", "sd_jwt_invalid"],
    ["a member named _sd", { data: { _sd: [] } }, () => false, "sd_jwt_invalid"],
    ["a member named ...", { data: [{ "...": "x" }] }, () => false, "sd_jwt_invalid"],
    ["a member named _sd_alg", { _sd_alg: "sha-256" }, () => false, "sd_jwt_invalid"],
    ["a member named __proto__", JSON.parse('{"a":{"__proto__":1}}'), () => false, "json_forbidden_key"],
    [
      "too many disclosures",
      { list: new Array<number>(DISCLOSURES_MAX + 1).fill(1) },
      (path) => path.length === 2,
      "too_many_items",
    ],
    ["too deep a payload", deep, () => false, "json_too_deep"],
  ];

  test.each(refused)("refuses %s", (_what, input, hide, code) => {
    expect(() => buildSdJwt({ payload: input, isDisclosable: hide, salt })).toThrow(withCode(code));
  });
});

describe("verifySdJwt", () => {
  const signer = createSigner(generateSeed());
  const rules = { typ: "dc+sd-jwt", keys: [signer.publicKey] };
  const payload = { iss: "https://land.example", data: { name: "Asha", plot: 7 } };

  async function issue(): Promise<{ jwt: string; disclosures: string[] }> {
    const built = buildSdJwt({ payload, isDisclosable: (path) => path.join(".") === "data.name", salt });
    return { jwt: await signJws({ signer, typ: "dc+sd-jwt", payload: built.payload }), disclosures: built.disclosures };
  }

  test("gives claims, signed payload, text and key", async () => {
    const { jwt, disclosures } = await issue();
    const verified = await verifySdJwt(formatSdJwt(jwt, disclosures), rules);
    expect(verified).toMatchObject({ claims: payload, jwt, disclosures, undisclosedCount: 0 });
    expect(verified.key).toBe(signer.publicKey);
    expect(verified.payload._sd_alg).toBe("sha-256");
    expect(verified.keyBinding).toBeUndefined();
  });

  test("accepts fewer disclosures, counts them, and hands a key binding on", async () => {
    const { jwt } = await issue();
    const verified = await verifySdJwt(`${jwt}~a.b.c`, rules);
    expect(verified).toMatchObject({ claims: { data: { plot: 7 } }, undisclosedCount: 1, keyBinding: "a.b.c" });
  });

  test("refuses another typ, another key, a foreign disclosure and each changed character of the JWT", async () => {
    const { jwt, disclosures } = await issue();
    const text = formatSdJwt(jwt, disclosures);
    await expect(verifySdJwt(text, { ...rules, typ: "vc+sd-jwt" })).rejects.toThrow(withCode("type_not_allowed"));
    const others = { ...rules, keys: [createSigner(generateSeed()).publicKey] };
    await expect(verifySdJwt(text, others)).rejects.toThrow(withCode("key_unknown"));
    await expect(verifySdJwt(`${text}${nameDisclosure}~`, rules)).rejects.toThrow(withCode("disclosure_invalid"));
    for (let at = 0; at < jwt.length; at++) {
      const changed = jwt.slice(0, at) + (jwt[at] === "A" ? "B" : "A") + jwt.slice(at + 1);
      await expect(verifySdJwt(formatSdJwt(changed, disclosures), rules)).rejects.toThrow(
        expect.objectContaining({ name: "AttestryError" }),
      );
    }
  });
});
