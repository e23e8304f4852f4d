// The profile of signed requests: what a receiver takes as signed, whatever address it was reached by. Requests are signed apart from src/.
import { describe, expect, it } from "vitest";
import { createSigner, generateSeed } from "../../src/crypto/signer.ts";
import { isSignedRequest, parseSignedRequest, verifyRequestSignature } from "../../src/federation/signed-request.ts";
import { caughtCode } from "../caught-code.ts";
import { type RequestDraft, signDraft } from "../request-signing.ts";

const entity = "https://land.example/lgd";
const signer = createSigner(generateSeed());
const sender = "https://sender.example";

/** The code that refuses a request signed for `signed` when it arrives at `target`. */
async function arrive(target: string, draft: Partial<RequestDraft>): Promise<string | undefined> {
  const options = { signer, sender, audience: entity, method: "GET", url: `${entity}/a`, ...draft };
  const { method, headers } = await signDraft(options);
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
  const now = Math.floor(Date.now() / 1_000);
  return caughtCode(() => {
    const parsed = parseSignedRequest({ method, target: new URL(target), fields }, { entity, now });
    verifyRequestSignature(parsed, signer.publicKey);
  });
}

describe("a signed request", () => {
  it("holds by whatever host it arrives, for it was signed for the entity's own", async () => {
    expect(await arrive("https://land.example/lgd/a", {})).toBeUndefined();
    expect(await arrive("http://backend.internal:8080/lgd/a", {})).toBeUndefined();
    expect(await arrive("http://land.example/lgd/a?b=1", { url: `${entity}/a?b=1` })).toBeUndefined();
  });

  it("does not hold for another authority, even where the path spells it", async () => {
    const other = { url: "https://other.example/lgd/a" };
    expect(await arrive("https://other.example/lgd/a", other)).toBe("signature_mismatch");
    expect(await arrive("https://land.example//other.example/lgd/a", other)).toBe("signature_mismatch");
    expect(await arrive("https://land.example:8443/lgd/a", { url: "https://land.example:8443/lgd/a" })).toBe(
      "signature_mismatch",
    );
  });

  it("does not hold at another path, or with another query", async () => {
    for (const path of ["/lgd/b", "/lgd/a/", "//lgd/a", "/lgd/a?", "/lgd/A", "/lgd/%61"])
      expect([path, await arrive(`https://land.example${path}`, {})]).toEqual([
        path,
        // An empty query is none: both are the same address to every operation.
        path === "/lgd/a?" ? undefined : "signature_mismatch",
      ]);
    expect(await arrive("https://land.example/lgd/a?b=2", { url: `${entity}/a?b=1` })).toBe("signature_mismatch");
  });
});

describe("what claims to be signed", () => {
  const claims = (headers: Record<string, string>) =>
    isSignedRequest(new Map(Object.entries(headers).map(([name, value]) => [name, [value]])));

  it("is known by its tag, its label or any header of the profile, and by nothing else", () => {
    expect(claims({ "signature-input": 'x=("@method");tag="attestry-request-v1"' })).toBe(true);
    expect(claims({ "signature-input": 'x=();tag="b", attestry=("@method");tag="another"' })).toBe(true);
    expect(claims({ "attestry-audience": entity })).toBe(true);
    expect(claims({ "signature-input": 'sig=("@method");tag="web-bot-auth"', signature: "sig=:AAAA:" })).toBe(false);
    expect(claims({ accept: "application/json" })).toBe(false);
  });
});
