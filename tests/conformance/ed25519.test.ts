// Ed25519 on crafted input (Wycheproof, C2SP CCTV): for every key that is accepted at all, both verifiers give the same verdict.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import {
  ED25519_SIGNATURE_BYTES,
  hasNeutralR,
  verifyEd25519Native,
  verifyEd25519Portable,
} from "../../src/crypto/ed25519.ts";
import { parsePublicKey } from "../../src/crypto/keys.ts";
import { isAttestryError } from "../../src/errors.ts";

const shared = new URL("../../../shared/vectors/", import.meta.url);
const wycheproofFile = new URL("wycheproof/testvectors_v1/ed25519_test.json", shared);
const cctvFile = new URL("cctv/ed25519/ed25519vectors.json", shared);
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

interface WycheproofGroup {
  publicKey: { pk: string };
  tests: { tcId: number; msg: string; sig: string; result: "valid" | "invalid" }[];
}
interface CctvVector {
  number: number;
  key: string;
  sig: string;
  msg: string;
  flags: string[] | null;
}

function readVectors<Vectors>(file: URL, pick: (content: never) => Vectors[]): Vectors[] {
  if (existsSync(file)) return pick(JSON.parse(readFileSync(file, "utf8")) as never);
  console.log(`ed25519.test.ts: skipped in part, ${file.pathname} is absent`);
  return [];
}

/** The raw key, or undefined where it is refused as it must be. */
function acceptedKey(publicKey: string): Uint8Array | undefined {
  try {
    return parsePublicKey({ kty: "OKP", crv: "Ed25519", x: encodeBase64url(hex(publicKey)) }).raw;
  } catch (error) {
    if (isAttestryError(error, "key_invalid")) return undefined;
    throw error;
  }
}

/** As `verifyJws` asks it, with the one refusal that is not WebCrypto's own everywhere. */
async function isSignedForWebCrypto(raw: Uint8Array, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== ED25519_SIGNATURE_BYTES || hasNeutralR(signature)) return false;
  const key = await crypto.subtle.importKey("raw", new Uint8Array(raw), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, new Uint8Array(signature), new Uint8Array(message));
}

const groups = readVectors(wycheproofFile, (content: { testGroups: WycheproofGroup[] }) => content.testGroups);
const cctv = readVectors(cctvFile, (content: CctvVector[]) => content);

describe.skipIf(groups.length === 0)("Wycheproof Ed25519", () => {
  const cases = groups.flatMap(({ publicKey, tests }) => tests.map((vector) => ({ ...vector, pk: publicKey.pk })));

  test("all 151 verdicts are the expected ones, in both verifiers", () => {
    const wrong = cases.filter(({ pk, msg, sig, result }) => {
      const raw = acceptedKey(pk);
      if (raw === undefined) return result === "valid";
      const verdicts = [verifyEd25519Native!, verifyEd25519Portable].map((verify) => verify(raw, hex(msg), hex(sig)));
      return verdicts.some((verdict) => verdict !== (result === "valid"));
    });
    expect(cases).toHaveLength(151);
    expect(wrong).toEqual([]);
  });

  test("WebCrypto gives them too", async () => {
    const wrong: number[] = [];
    for (const { tcId, pk, msg, sig, result } of cases) {
      const raw = acceptedKey(pk);
      if (raw === undefined) continue;
      const verdict = await isSignedForWebCrypto(raw, hex(msg), hex(sig));
      if (verdict !== (result === "valid")) wrong.push(tcId);
    }
    expect(wrong).toEqual([]);
  });
});

describe.skipIf(cctv.length === 0)("C2SP CCTV Ed25519", () => {
  const judged = cctv.map((vector) => ({ ...vector, raw: acceptedKey(vector.key) }));

  test("every key of small or mixed order is refused, and 28 vectors keep theirs", () => {
    const isUnsound = ({ flags }: CctvVector) =>
      ["low_order_A", "low_order_component_A", "non_canonical_A"].some((flag) => flags?.includes(flag));
    expect(judged).toHaveLength(914);
    expect(judged.filter((vector) => isUnsound(vector) === (vector.raw !== undefined))).toEqual([]);
    expect(judged.filter(({ raw }) => raw !== undefined)).toHaveLength(28);
  });

  test("both verifiers agree on every vector whose key is accepted", () => {
    const split = judged.filter(({ raw, msg, sig }) => {
      if (raw === undefined) return false;
      const message = Buffer.from(msg);
      return verifyEd25519Native!(raw, message, hex(sig)) !== verifyEd25519Portable(raw, message, hex(sig));
    });
    expect(split).toEqual([]);
  });

  test("WebCrypto, by which JWS are verified, agrees with them too", async () => {
    const split: number[] = [];
    for (const { number, raw, msg, sig } of judged) {
      if (raw === undefined) continue;
      const message = Buffer.from(msg);
      const verdict = await isSignedForWebCrypto(raw, message, hex(sig));
      if (verdict !== verifyEd25519Portable(raw, message, hex(sig))) split.push(number);
    }
    expect(split).toEqual([]);
  });

  test("what they accept has a torsion-free R that is not the neutral element", () => {
    const accepted = judged.filter(
      ({ raw, msg, sig }) => raw !== undefined && verifyEd25519Portable(raw, Buffer.from(msg), hex(sig)),
    );
    expect(accepted.length).toBeGreaterThan(0);
    expect(accepted.filter(({ flags }) => flags?.includes("low_order_component_R"))).toEqual([]);
    expect(accepted.filter(({ sig }) => hasNeutralR(hex(sig)))).toEqual([]);
  });
});
