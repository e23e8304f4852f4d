// RFC 9421 and RFC 9530: the public vectors byte for byte, the examples of the text, and what must be refused.
import { createHmac, createPublicKey, verify } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeBase64url } from "../../src/crypto/base64.ts";
import { checkContentDigest, formatContentDigest } from "../../src/crypto/content-digest.ts";
import { encodeUtf8 } from "../../src/crypto/hash.ts";
import {
  createSignatureBase,
  type FieldLines,
  isSignedBy,
  type MessageParts,
  parseSignatures,
  type RequestParts,
  readSignatureParameters,
  signMessage,
} from "../../src/crypto/http-signature.ts";
import { createSigner } from "../../src/crypto/signer.ts";
import {
  formatDictionary,
  formatItem,
  formatList,
  type InnerList,
  parseDictionary,
  parseItem,
  parseList,
} from "../../src/crypto/structured-fields.ts";
import { caughtCode } from "../caught-code.ts";

const folder = new URL("../../../shared/vectors/rfc9421/", import.meta.url);
const isMissing = !existsSync(folder);
if (isMissing) console.log("rfc9421.test.ts: vectors skipped, ../shared/vectors/rfc9421 is absent");

interface VectorMessage {
  type: "request" | "response";
  method?: string;
  url?: string;
  statusCode?: number;
  headers: [string, string][];
  body?: string;
}
interface Vector {
  id: string;
  message: VectorMessage;
  requestMessage?: VectorMessage;
  signingParams: { label: string; algorithm: string };
  expectedBase: string;
  expectedSignatureInput: string;
  expectedSignature?: string;
  verifyOnlySignature?: string;
  keyFile: string;
  pubKeyFile?: string;
}

const FILES = [
  "b21-minimal-rsa-pss",
  "b22-selective-rsa-pss",
  "b23-full-rsa-pss",
  "b24-response-ecdsa",
  "b25-hmac-sha256",
  "b26-ed25519",
  "b4-transform-ed25519",
];
const vectors: Vector[] = isMissing
  ? []
  : FILES.map((name) => JSON.parse(readFileSync(new URL(`httpsig/vectors/${name}.json`, folder), "utf8")));
const keyText = (file: string): string => readFileSync(new URL(`httpsig/${file}`, folder), "utf8");

function lines(headers: readonly (readonly [string, string])[]): FieldLines {
  const fields = new Map<string, string[]>();
  for (const [name, value] of headers)
    fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), value]);
  return fields;
}

function parts({ message, requestMessage }: Vector): MessageParts {
  const request = (one: VectorMessage): RequestParts => ({
    method: one.method!,
    url: new URL(one.url!),
    fields: lines(one.headers),
  });
  if (message.type === "request") return request(message);
  const answered = requestMessage && { request: request(requestMessage) };
  return { status: message.statusCode!, fields: lines(message.headers), ...answered };
}

function inputOf(signatureInput: string): InnerList {
  return [...parseDictionary(signatureInput).values()][0] as InnerList;
}

describe.skipIf(isMissing)("the vectors of RFC 9421, appendix B", () => {
  test("there are seven", () => {
    expect(vectors.map(({ id }) => id)).toEqual(["B.2.1", "B.2.2", "B.2.3", "B.2.4", "B.2.5", "B.2.6", "B.4"]);
  });

  test.each(vectors)("$id: the signature base, byte for byte", (vector) => {
    const input = inputOf(vector.expectedSignatureInput);
    expect(createSignatureBase(parts(vector), input)).toBe(vector.expectedBase);
    expect(formatDictionary(new Map([[vector.signingParams.label, input]]))).toBe(vector.expectedSignatureInput);
  });

  test.each(vectors.filter(({ signingParams }) => signingParams.algorithm === "ed25519"))(
    "$id: the Ed25519 signature, byte for byte, and verified again",
    async (vector) => {
      const { key_jwk: jwk } = JSON.parse(readFileSync(new URL("b26-ed25519.json", folder), "utf8"));
      const signer = createSigner(decodeBase64url(jwk.d));
      expect(signer.publicKey.jwk.x).toBe(jwk.x);
      const { label } = vector.signingParams;
      const message = parts(vector);
      const signed = await signMessage({ message, input: inputOf(vector.expectedSignatureInput), label, signer });
      expect(signed).toEqual({
        signatureInput: vector.expectedSignatureInput,
        signature: `${label}=:${vector.expectedSignature}:`,
      });
      const fields = new Map([
        ...message.fields,
        ["signature-input", [signed.signatureInput]],
        ["signature", [signed.signature]],
      ]);
      const { input, signature } = parseSignatures({ ...message, fields }).get(label)!;
      expect(isSignedBy(signer.publicKey, { base: createSignatureBase(message, input), signature })).toBe(true);
      const other = { base: vector.expectedBase.replace("@path", "@Path"), signature };
      expect(isSignedBy(signer.publicKey, other)).toBe(false);
    },
  );

  // Other algorithms are not ours; their published signatures prove the bases all the same.
  test.each(vectors.filter(({ verifyOnlySignature }) => verifyOnlySignature !== undefined))(
    "$id: the published RSA-PSS signature holds over our base",
    (vector) => {
      const base = createSignatureBase(parts(vector), inputOf(vector.expectedSignatureInput));
      const key = createPublicKey(keyText(vector.pubKeyFile!));
      const options = { key, padding: 6, saltLength: 64 };
      expect(verify("sha512", Buffer.from(base), options, Buffer.from(vector.verifyOnlySignature!, "base64"))).toBe(
        true,
      );
    },
  );

  test("B.2.5: the published HMAC is the one of our base", () => {
    const vector = vectors.find(({ id }) => id === "B.2.5")!;
    const base = createSignatureBase(parts(vector), inputOf(vector.expectedSignatureInput));
    const key = Buffer.from(keyText(vector.keyFile).trim(), "base64");
    expect(createHmac("sha256", key).update(base).digest("base64")).toBe(vector.expectedSignature);
  });

  test.each(vectors.filter(({ message }) => message.body !== undefined))(
    "$id: its Content-Digest fits its content, and no other",
    ({ message }) => {
      const [, field] = message.headers.find(([name]) => name === "Content-Digest")!;
      expect(formatContentDigest(encodeUtf8(message.body!), "sha-512")).toBe(field);
      expect(caughtCode(() => checkContentDigest(field, encodeUtf8(message.body!)))).toBeUndefined();
      expect(caughtCode(() => checkContentDigest(field, encodeUtf8(`${message.body} `)))).toBe(
        "content_digest_mismatch",
      );
    },
  );
});

/** The lines of a base for these components, without the last one. */
function baseLines(message: MessageParts, components: string, structured?: Parameters<typeof createSignatureBase>[2]) {
  const base = createSignatureBase(message, inputOf(`s=(${components})`), structured);
  return base.split("\n").slice(0, -1);
}

function request(target: string, headers: readonly (readonly [string, string])[] = [], method = "GET"): RequestParts {
  return { method, url: new URL(target), fields: lines(headers) };
}

describe("the examples in the text of RFC 9421", () => {
  const fields = request("https://www.example.com/", [
    ["Date", "Tue, 20 Apr 2021 02:07:56 GMT"],
    ["X-OWS-Header", "   Leading and trailing whitespace.   "],
    ["X-Obs-Fold-Header", "Obsolete\r\n    line folding."],
    ["Cache-Control", "max-age=60"],
    ["Cache-Control", "   must-revalidate"],
    ["Example-Dict", "  a=1,    b=2;x=1;y=2,   c=(a   b   c), d"],
    ["Example-Header", "value, with, lots"],
    ["Example-Header", "of, commas"],
    ["X-Empty-Header", ""],
  ]);

  test("§2.1: fields are trimmed, unfolded and joined", () => {
    expect(
      baseLines(fields, '"x-ows-header" "x-obs-fold-header" "cache-control" "example-dict" "x-empty-header"'),
    ).toEqual([
      '"x-ows-header": Leading and trailing whitespace.',
      '"x-obs-fold-header": Obsolete line folding.',
      '"cache-control": max-age=60, must-revalidate',
      '"example-dict": a=1,    b=2;x=1;y=2,   c=(a   b   c), d',
      '"x-empty-header": ',
    ]);
  });

  test("§2.1.1 to §2.1.3: structured fields, members of dictionaries, wrapped bytes", () => {
    const structured = { "example-dict": "dictionary" } as const;
    const components =
      '"example-dict";sf "example-dict";key="a" "example-dict";key="d" "example-dict";key="b" "example-dict";key="c" "example-header" "example-header";bs';
    expect(baseLines(fields, components, structured)).toEqual([
      '"example-dict";sf: a=1, b=2;x=1;y=2, c=(a b c), d',
      '"example-dict";key="a": 1',
      '"example-dict";key="d": ?1',
      '"example-dict";key="b": 2;x=1;y=2',
      '"example-dict";key="c": (a b c)',
      '"example-header": value, with, lots, of, commas',
      '"example-header";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:',
    ]);
  });

  test("§2.2: components derived from the request's target", () => {
    const message = request("https://www.EXAMPLE.com:443/path?param=value", [], "POST");
    const components = '"@method" "@target-uri" "@authority" "@scheme" "@request-target" "@path" "@query"';
    expect(baseLines(message, components)).toEqual([
      '"@method": POST',
      '"@target-uri": https://www.example.com/path?param=value',
      '"@authority": www.example.com',
      '"@scheme": https',
      '"@request-target": /path?param=value',
      '"@path": /path',
      '"@query": ?param=value',
    ]);
    expect(baseLines(request("http://www.example.com:8080"), '"@authority" "@path" "@query"')).toEqual([
      '"@authority": www.example.com:8080',
      '"@path": /',
      '"@query": ?',
    ]);
  });

  test("§2.2.8: parameters of the query, each spelled one way", () => {
    const plain = request("https://www.example.com/path?param=value&foo=bar&baz=batman&qux=");
    expect(baseLines(plain, '"@query-param";name="baz" "@query-param";name="qux" "@query-param";name="param"')).toEqual(
      ['"@query-param";name="baz": batman', '"@query-param";name="qux": ', '"@query-param";name="param": value'],
    );
    const encoded = request(
      "https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something",
    );
    expect(
      baseLines(
        encoded,
        '"@query-param";name="var" "@query-param";name="bar" "@query-param";name="fa%C3%A7ade%22%3A%20"',
      ),
    ).toEqual([
      '"@query-param";name="var": this%20is%20a%20big%0Amultiline%20value',
      '"@query-param";name="bar": with%20plus%20whitespace',
      '"@query-param";name="fa%C3%A7ade%22%3A%20": something',
    ]);
  });

  test("§2.4: an answer is bound to its request", () => {
    const asked = request("https://example.com/foo?param=Value&Pet=dog", [["Signature", "sig1=:YSBmYWtl:"]], "POST");
    const answer = {
      status: 503,
      fields: lines([
        ["Content-Length", "62"],
        ["Content-Type", "application/json"],
      ]),
      request: asked,
    };
    const components =
      '"@status" "content-length" "content-type" "signature";req;key="sig1" "@authority";req "@method";req';
    expect(baseLines(answer, components)).toEqual([
      '"@status": 503',
      '"content-length": 62',
      '"content-type": application/json',
      '"signature";req;key="sig1": :YSBmYWtl:',
      '"@authority";req: example.com',
      '"@method";req: POST',
    ]);
  });
});

describe("what cannot be covered", () => {
  const message = request("https://example.com/?a=1&a=2", [
    ["X-Dict", "a=1"],
    ["X-Name", "caf\u00e9"],
    ["X-Break", 'a\n"@method": GET'],
    ["X-Broken", "a=="],
  ]);
  test.each([
    ["a field that is not there", '"x-missing"'],
    ["a field in upper case", '"X-Dict"'],
    ["a component covered twice", '"x-dict" "x-dict"'],
    ["a component covered twice with its parameters in another order", '"x-dict";sf;key="a" "x-dict";key="a";sf'],
    ["an unknown derived component", '"@origin"'],
    ["the signature's own parameters", '"@signature-params"'],
    ["the status of a request", '"@status"'],
    ["the request of a request", '"@method";req'],
    ["an unknown parameter", '"x-dict";tr'],
    ["a parameter of fields at a derived component", '"@method";sf'],
    ["a flag with a value", '"x-dict";bs=1'],
    ["a key that is not in the dictionary", '"x-dict";key="b"'],
    ["a key that is no string", '"x-dict";key=a'],
    ["a key of a field that is no dictionary", '"x-broken";key="a"'],
    ["wrapped bytes of a dictionary's member", '"x-dict";bs;key="a"'],
    ["a field not known to be structured", '"x-dict";sf'],
    ["a parameter of the query that stands twice", '"@query-param";name="a"'],
    ["a parameter of the query that is not there", '"@query-param";name="b"'],
    ["a parameter of the query without its name", '"@query-param"'],
    ["a field that is not ASCII", '"x-name"'],
    ["a field with a line of its own", '"x-break"'],
    ["an identifier that is no string", "x-dict"],
  ])("%s", (_name, components) => {
    expect(caughtCode(() => baseLines(message, components))).toBe("signature_component_invalid");
  });

  test("the request of an answer whose request is not known", () => {
    const code = caughtCode(() => baseLines({ status: 200, fields: new Map() }, '"@method";req'));
    expect(code).toBe("signature_component_invalid");
  });
});

describe("Signature and Signature-Input", () => {
  const read = (signatureInput: string, signature: string) =>
    parseSignatures(
      request("https://example.com/", [
        ["Signature-Input", signatureInput],
        ["Signature", signature],
      ]),
    );
  test.each([
    ["no dictionary", "a=(", "a=:AAAA:"],
    ["a label in one field only", 'a=("@method"), b=()', "a=:AAAA:"],
    ["a label in the other field only", 'a=("@method")', "a=:AAAA:, b=:AAAA:"],
    ["a label that stands twice", 'a=("@method"), a=()', "a=:AAAA:"],
    ["an input that is no inner list", 'a="@method"', "a=:AAAA:"],
    ["a signature that is no byte sequence", 'a=("@method")', 'a="AAAA"'],
    ["a signature that is not canonical base64", 'a=("@method")', "a=:AAB=:"],
  ])("%s is refused", (_name, signatureInput, signature) => {
    expect(caughtCode(() => read(signatureInput, signature))).toBe("signature_malformed");
  });

  test.each(['created="1"', "expires=1.5", "nonce=1", "keyid=token", "alg=1", "tag=?1"])(
    "a parameter of another type (%s) is refused",
    (parameter) => {
      const { input } = read(`a=();${parameter}`, "a=:AAAA:").get("a")!;
      expect(caughtCode(() => readSignatureParameters(input))).toBe("signature_malformed");
    },
  );
});

describe("structured fields (RFC 9651)", () => {
  test.each([
    ["1", "1"],
    ["-0042", "-42"],
    ["4.50", "4.5"],
    ["1.0", "1.0"],
    ['"a \\"b\\" \\\\"', '"a \\"b\\" \\\\"'],
    ["foo123/456;a;b=?0", "foo123/456;a;b=?0"],
    [":aGVsbG8=:", ":aGVsbG8=:"],
    ["@1659578233", "@1659578233"],
    ["  ?1  ", "?1"],
  ])("the item %s is written %s", (text, written) => {
    expect(formatItem(parseItem(text))).toBe(written);
  });

  test("lists and dictionaries are written canonically", () => {
    expect(formatList(parseList('"foo";a=1 ,\t( 1  2 );x,b'))).toBe('"foo";a=1, (1 2);x, b');
    expect(formatDictionary(parseDictionary("a=?1;x , b=?0,c=(1 );q=1"))).toBe("a;x, b=?0, c=(1);q=1");
    expect(parseList("")).toEqual([]);
  });

  test.each([
    ["", parseItem],
    ["1 2", parseItem],
    ["1.", parseItem],
    ["1.2345", parseItem],
    ["1234567890123456", parseItem],
    ['"open', parseItem],
    ['"caf\u00e9"', parseItem],
    ['"\\n"', parseItem],
    ["?2", parseItem],
    [":AA:", parseItem],
    ["@1.5", parseItem],
    ['%"display"', parseItem],
    ["a;x;x", parseItem],
    ["a;X=1", parseItem],
    ["a,", parseList],
    ["a b", parseList],
    ["(a", parseList],
    ['("a""b")', parseList],
    ["((a))", parseList],
    ["A=1", parseDictionary],
    ["a=1,a=2", parseDictionary],
    ["a=1,,b", parseDictionary],
    [`a=${" ".repeat(40_000)}1`, parseDictionary],
    [Array.from({ length: 65 }, (_, at) => `k${at}`).join(","), parseDictionary],
  ] as [string, (text: string) => unknown][])("%j is refused", (text, parse) => {
    expect(caughtCode(() => parse(text))).toBe("structured_field_invalid");
  });
});

describe("Content-Digest", () => {
  const content = encodeUtf8("{}");
  test.each([
    ["sha-256=()", "content_digest_invalid"],
    ["sha-256", "content_digest_invalid"],
    ["md5=:AAAA:", "content_digest_invalid"],
    ["", "content_digest_invalid"],
    ["sha-256=:AAAA:", "content_digest_mismatch"],
  ])("%j is refused by %s", (field, code) => {
    expect(caughtCode(() => checkContentDigest(field, content))).toBe(code);
  });

  test("of two algorithms both must fit", () => {
    // SHA-256 of "{}".
    const right = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:";
    expect(caughtCode(() => checkContentDigest(right, content))).toBeUndefined();
    expect(caughtCode(() => checkContentDigest(`${right}, sha-512=:AAAA:`, content))).toBe("content_digest_mismatch");
  });
});
