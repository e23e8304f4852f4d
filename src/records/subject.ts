// Whom a record is about: the person that its registry's rule names, or else nobody but the record itself. Pure.
import { encodeBase64url } from "../crypto/base64.ts";
import { hmacSha256 } from "../crypto/hash.ts";
import type { JsonObject } from "../crypto/json.ts";
import { type KeyedDigest, type KeyGenerations, keyDigests } from "../crypto/key-generations.ts";
import { claimText } from "../identity/jurisdiction.ts";
import { valuesAt } from "../registries/annotations.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";

/** A person as the node knows one: the value of a claim. */
export interface Subject {
  readonly claim: string;
  readonly value: string;
}

// No claim of a sign-in is called like this (schemas/definition.schema.json has no "~" in claims).
const RECORD_CLAIM = "~record";

/** The person a version's data are about; of a record that names nobody, the record. */
export function subjectOfRecord(
  compiled: CompiledDefinition,
  { rid, data }: { rid: string; data: JsonObject },
): Subject {
  const { subject } = compiled.disclosure;
  const value = subject && claimText(valuesAt(data, subject.path)[0]);
  return subject && value !== undefined ? { claim: subject.claim, value } : { claim: RECORD_CLAIM, value: rid };
}

/** Keyed hash by which a person is found; `searchKey` is the node's. */
export function subjectDigest(searchKey: KeyGenerations, { claim, value }: Subject): KeyedDigest {
  return keyDigests(searchKey, ({ current }) =>
    encodeBase64url(hmacSha256(current, `attestry/subject/v1\n${claim}\n${value}`)),
  );
}
