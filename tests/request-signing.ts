// Signs requests as the profile of docs/federation.md says, written apart from src/: each part may be falsified. Test code only.
import { createHash, createPublicKey, randomBytes, verify } from "node:crypto";
import type { Json } from "../src/crypto/json.ts";
import type { PublicKey } from "../src/crypto/keys.ts";
import type { Signer } from "../src/crypto/signer.ts";

export interface RequestDraft {
  readonly signer: Signer;
  readonly sender: string;
  readonly audience: string;
  readonly method: string;
  /** Absolute, as it is signed. */
  readonly url: string;
  readonly json?: Json;
  readonly chain?: readonly string[] | undefined;
  /** Seconds from now. */
  readonly created?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly tag?: string;
  readonly keyid?: string;
  readonly label?: string;
  /** Components left out. */
  readonly without?: readonly string[];
  /** Further parameters as they stand, such as `;alg="ed25519"`. */
  readonly parameters?: string;
  /** Further headers, unsigned. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SignedDraft {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

export const digestOf = (content: string | Uint8Array): string =>
  `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;

export async function signDraft(draft: RequestDraft): Promise<SignedDraft> {
  const { pathname, search, host } = new URL(draft.url);
  const now = Math.floor(Date.now() / 1_000);
  const body = draft.json === undefined ? undefined : JSON.stringify(draft.json);
  const headers: Record<string, string> = {
    "attestry-audience": draft.audience,
    "attestry-sender": draft.sender,
    ...(body !== undefined && { "content-type": "application/json", "content-digest": digestOf(body) }),
    ...(draft.chain && { "attestry-trust-chain": draft.chain.map((statement) => `"${statement}"`).join(", ") }),
  };
  const components: [string, string][] = [
    ["@method", draft.method],
    ["@authority", host],
    ["@request-target", pathname + search],
    ...Object.entries(headers),
  ];
  const covered = components.filter(([name]) => !draft.without?.includes(name));
  const { created = 0, expires = 120, tag = "attestry-request-v1", keyid = draft.signer.publicKey.kid } = draft;
  const nonce = draft.nonce ?? randomBytes(16).toString("base64url");
  const input = `(${covered.map(([name]) => `"${name}"`).join(" ")});created=${now + created};expires=${now + expires};nonce="${nonce}";keyid="${keyid}";tag="${tag}"${draft.parameters ?? ""}`;
  const base = [...covered.map(([name, value]) => `"${name}": ${value}`), `"@signature-params": ${input}`].join("\n");
  const signature = Buffer.from(await draft.signer.sign(Buffer.from(base))).toString("base64");
  const label = draft.label ?? "attestry";
  const signed = { "signature-input": `${label}=${input}`, signature: `${label}=:${signature}:` };
  return { method: draft.method, path: pathname + search, headers: { ...headers, ...signed, ...draft.headers }, body };
}

/** What is wrong with the signature of an answer to a signed request; undefined where nothing is. */
export function answerFault(
  answer: { status: number; headers: Headers; text: string },
  request: SignedDraft,
  key: PublicKey,
): string | undefined {
  const header = (name: string) => answer.headers.get(name) ?? "";
  if (header("content-digest") !== digestOf(answer.text)) return "the digest is not that of the content";
  const input = header("signature-input").replace(/^attestry=/, "");
  const names =
    '("@status" "content-type" "content-digest" "@method";req "@request-target";req "signature";req;key="attestry")';
  if (!input.startsWith(`${names};created=`)) return `covered is ${input}`;
  if (!input.includes(`;keyid="${key.kid}";tag="attestry-response-v1"`)) return `the parameters are ${input}`;
  const base = [
    `"@status": ${answer.status}`,
    `"content-type": ${header("content-type")}`,
    `"content-digest": ${header("content-digest")}`,
    `"@method";req: ${request.method}`,
    `"@request-target";req: ${request.path}`,
    `"signature";req;key="attestry": ${request.headers.signature!.replace(/^attestry=/, "")}`,
    `"@signature-params": ${input}`,
  ].join("\n");
  const signature = Buffer.from(/^attestry=:(.*):$/.exec(header("signature"))?.[1] ?? "", "base64");
  const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
  return verify(null, Buffer.from(base), publicKey, signature) ? undefined : "the signature does not hold";
}
