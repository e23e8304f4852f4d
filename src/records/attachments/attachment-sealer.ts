// Seals files under a key of their own, which the node's key wraps. Knows no SQL.
import { encodeBase64url } from "../../crypto/base64.ts";
import { decodeUtf8, encodeUtf8, sha256 } from "../../crypto/hash.ts";
import { type KeyGenerations, unsealAny, unsealFormer } from "../../crypto/key-generations.ts";
import { randomBytes } from "../../crypto/random.ts";
import { seal, unseal } from "../../crypto/seal.ts";
import { AttestryError } from "../../errors.ts";
import type { StoredAttachment } from "./attachment-store.ts";
import { attachmentKey } from "./held-content.ts";

export interface AttachmentFile {
  readonly registry: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly name: string | undefined;
}

export interface AttachmentSealer {
  /** `key`: under which it will be stored. */
  seal(file: AttachmentFile & { readonly key: string }): StoredAttachment;
  /** Throws `seal_broken`, also where the bytes have another digest. */
  open(stored: StoredAttachment, digest: string): { bytes: Uint8Array; name: string | undefined };
  /** Whether a former generation of the node's key wraps the file's own. Throws `seal_broken`. */
  isFormer(stored: Pick<StoredAttachment, "key" | "sealedKey">): boolean;
  /** The same file, sealed by the current generation of the node's keys and stored under what they make of its digest. */
  renew(stored: StoredAttachment): StoredAttachment;
}

const KEY_BYTES = 32;

/** @param nodeKey wraps every file's own key; @param entity binds what is sealed to this node. */
export function createAttachmentSealer(options: {
  entity: string;
  nodeKey: KeyGenerations;
  searchKey: KeyGenerations;
}): AttachmentSealer {
  const { entity, nodeKey, searchKey } = options;
  // Names the place, so that nobody with the database can put one file in another's.
  const aad = (key: string, column: string) => `${entity}|attachment|${key}|${column}`;

  const sealFile: AttachmentSealer["seal"] = ({ key, registry, mediaType, bytes, name }) => {
    const fileKey = randomBytes(KEY_BYTES);
    return {
      key,
      registry,
      mediaType,
      bytes: bytes.length,
      sealedKey: seal({ key: nodeKey.current, aad: aad(key, "key"), plaintext: fileKey }),
      sealedName:
        name === undefined ? null : seal({ key: fileKey, aad: aad(key, "name"), plaintext: encodeUtf8(name) }),
      sealed: seal({ key: fileKey, aad: aad(key, "content"), plaintext: bytes }),
    };
  };

  function openFile({ key, sealedKey, sealedName, sealed }: StoredAttachment) {
    const fileKey = unsealAny(nodeKey, { aad: aad(key, "key"), sealed: sealedKey });
    const name =
      sealedName === null ? undefined : decodeUtf8(unseal({ key: fileKey, aad: aad(key, "name"), sealed: sealedName }));
    return { bytes: unseal({ key: fileKey, aad: aad(key, "content"), sealed }), name };
  }

  return {
    seal: sealFile,
    open(stored, digest) {
      const { bytes, name } = openFile(stored);
      if (encodeBase64url(sha256(bytes)) !== digest)
        throw new AttestryError("seal_broken", "the bytes have another digest than the one they are stored under");
      return { bytes, name };
    },
    isFormer({ key, sealedKey }) {
      return unsealFormer(nodeKey, { aad: aad(key, "key"), sealed: sealedKey }) !== undefined;
    },
    renew(stored) {
      const { registry, mediaType } = stored;
      const { bytes, name } = openFile(stored);
      const digest = encodeBase64url(sha256(bytes));
      const { digest: key } = attachmentKey({ searchKey, registry, digest });
      return sealFile({ key, registry, mediaType, bytes, name });
    },
  };
}
