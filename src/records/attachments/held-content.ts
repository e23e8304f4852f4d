// What a version holds beside its data: files, and references that were accepted unverified. Pure.

import type { JsonObject } from "../../crypto/json.ts";
import { type KeyedDigest, type KeyGenerations, keyDigests } from "../../crypto/key-generations.ts";
import { valuesAt } from "../../registries/annotations.ts";
import { attachmentsIn } from "../../registries/attachment-value.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { keyDigest } from "../search/record-keys.ts";

/** A file that a version says it holds. */
export interface HeldAttachment {
  /** Under which it is stored. */
  readonly key: KeyedDigest;
  /** JSON Pointer of the field. */
  readonly field: string;
  readonly mediaType: string;
  readonly bytes: number;
  /** Whether everybody may read it, as everybody may read the field. */
  readonly open: boolean;
}

export interface HeldContent {
  readonly attachments: readonly HeldAttachment[];
  /** Whether there are references in it that a job is to verify. */
  readonly watched: boolean;
}

/** The keyed hash under which a file is stored. */
export function attachmentKey(options: { searchKey: KeyGenerations; registry: string; digest: string }): KeyedDigest {
  const { searchKey, registry, digest } = options;
  const values = [registry, digest];
  return keyDigests(searchKey, (one) => keyDigest({ searchKey: one, registry: "", name: "attachment", values }));
}

/** What a version of this data holds. */
export function holdContent(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  data: JsonObject;
}): HeldContent {
  const { searchKey, compiled, data } = options;
  const { annotations, definition } = compiled;
  const isOpen = definition.access === "public";
  return {
    attachments: attachmentsIn(data, annotations).map(({ field, attachment }) => ({
      key: attachmentKey({ searchKey, registry: definition.name, digest: attachment.digest }),
      field: `/${field.path.join("/")}`,
      mediaType: attachment.mediaType,
      bytes: attachment.bytes,
      open: isOpen && !field.personal,
    })),
    watched: annotations.references.some(
      ({ onWrite, path }) => onWrite === "accept" && valuesAt(data, path).length > 0,
    ),
  };
}
