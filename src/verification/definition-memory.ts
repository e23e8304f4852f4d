// Definitions compiled once each, with the hash of their text. Takes no decision on data.

import { createBoundedCache } from "../bounded-cache.ts";
import { encodeBase64 } from "../crypto/base64.ts";
import { sha256 } from "../crypto/hash.ts";
import { AttestryError } from "../errors.ts";
import { DEFINITION_BYTES_MAX, VERIFIER_DEFINITIONS_MAX } from "../limits.ts";
import { compileRecordSchema, type RecordSchema } from "../registries/record-schema.ts";

export interface RememberedDefinition {
  /** base64 SHA-256 of the exact text. */
  readonly hash: string;
  /** Compiles at the first call, so that a text is compiled only after its hash was found right. Throws as `compileRecordSchema`. */
  compile(): RecordSchema;
}

export function createDefinitionMemory(): (text: string) => RememberedDefinition {
  const cache = createBoundedCache<RememberedDefinition>(VERIFIER_DEFINITIONS_MAX, DEFINITION_BYTES_MAX);
  return (text) => {
    const remembered = cache.get(text);
    if (remembered) return remembered;
    let compiled: RecordSchema | AttestryError | undefined;
    const definition: RememberedDefinition = {
      hash: encodeBase64(sha256(text)),
      compile() {
        try {
          compiled ??= compileRecordSchema(text);
        } catch (error) {
          if (!(error instanceof AttestryError)) throw error;
          compiled = error;
        }
        if (compiled instanceof AttestryError) throw compiled;
        return compiled;
      },
    };
    cache.set(text, definition);
    return definition;
  };
}
