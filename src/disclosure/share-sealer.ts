// Seals what a person shares under the person's key, and compares codes with what is kept of them. Knows no SQL.
import { decodeBase64url, encodeBase64url } from "../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, equalBytes, hmacSha256 } from "../crypto/hash.ts";
import { seal, unseal } from "../crypto/seal.ts";
import type { ShareDraft } from "./share.ts";
import type { StoredShare } from "./share-store.ts";

export interface ShareContent extends Pick<ShareDraft, "fields" | "recipient" | "entity" | "purpose"> {
  /** Keyed hash of the code. */
  readonly code: string;
  /** What the person signed off, as the node signed it. */
  readonly terms: string;
}

interface KeyHolder {
  readonly dataKey: Uint8Array;
}

export interface ShareSealer {
  /** Keyed hash of a code, for one share alone. */
  hashCode(person: KeyHolder, id: string, code: string): string;
  isCode(person: KeyHolder, id: string, code: string, hash: string): boolean;
  seal(person: KeyHolder, id: string, content: ShareContent): Uint8Array;
  open(person: KeyHolder, share: Pick<StoredShare, "id" | "sealed">): ShareContent;
}

export function createShareSealer({ entity }: { readonly entity: string }): ShareSealer {
  const aad = (id: string) => `${entity}|share|${id}`;
  const hash = ({ dataKey }: KeyHolder, id: string, code: string) =>
    hmacSha256(dataKey, `attestry/share-code/v1\n${id}\n${code}`);
  return {
    hashCode: (person, id, code) => encodeBase64url(hash(person, id, code)),
    isCode: (person, id, code, known) => equalBytes(hash(person, id, code), decodeBase64url(known)),
    seal: ({ dataKey }, id, content) =>
      seal({ key: dataKey, aad: aad(id), plaintext: encodeUtf8(JSON.stringify(content)) }),
    open: ({ dataKey }, { id, sealed }) =>
      JSON.parse(decodeUtf8(unseal({ key: dataKey, aad: aad(id), sealed }))) as ShareContent,
  };
}
