// RFC 8032 §7.1: our signers make exactly these signatures and both verifiers accept them.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { encodeBase64url } from "../../src/crypto/base64.ts";
import { verifyEd25519Native, verifyEd25519Portable } from "../../src/crypto/ed25519.ts";
import { parsePublicKey } from "../../src/crypto/keys.ts";
import { createSigner } from "../../src/crypto/signer.ts";

const file = new URL("../../../shared/vectors/rfc8032/ed25519.json", import.meta.url);
const isMissing = !existsSync(file);
if (isMissing) console.log("rfc8032.test.ts: skipped, ../shared/vectors/rfc8032 is absent");

interface Vector {
  name: string;
  secretKey: string;
  publicKey: string;
  message: string;
  signature: string;
}
const vectors: Vector[] = isMissing ? [] : JSON.parse(readFileSync(file, "utf8")).vectors;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

describe.skipIf(isMissing)("Ed25519 of RFC 8032 section 7.1", () => {
  test("there are four vectors", () => {
    expect(vectors).toHaveLength(4);
  });

  test.each(vectors)("$name: the seed gives this public key and this signature", async (vector) => {
    const signer = createSigner(hex(vector.secretKey));
    expect(Buffer.from(signer.publicKey.raw).toString("hex")).toBe(vector.publicKey);
    const signature = await signer.sign(hex(vector.message));
    expect(Buffer.from(signature).toString("hex")).toBe(vector.signature);
  });

  test.each(vectors)("$name: both verifiers accept it, and neither accepts a changed bit", (vector) => {
    const { raw } = parsePublicKey({ kty: "OKP", crv: "Ed25519", x: encodeBase64url(hex(vector.publicKey)) });
    const message = hex(vector.message);
    const signature = hex(vector.signature);
    const changed = signature.slice();
    changed[40]! ^= 1;
    for (const verify of [verifyEd25519Native!, verifyEd25519Portable]) {
      expect(verify(raw, message, signature)).toBe(true);
      expect(verify(raw, message, changed)).toBe(false);
      expect(verify(raw, Uint8Array.of(...message, 0), signature)).toBe(false);
    }
  });
});
