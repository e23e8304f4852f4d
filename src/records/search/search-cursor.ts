// Where a page of a search ended, as a text that only this node makes and only the same search takes. Pure.

import { decodeBase64url, encodeBase64url } from "../../crypto/base64.ts";
import { decodeUtf8, encodeUtf8 } from "../../crypto/hash.ts";
import { canonicalJson, type Json } from "../../crypto/json.ts";
import { eachGeneration, type KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError } from "../../errors.ts";
import { CURSOR_CHARS_MAX } from "../../limits.ts";
import type { RecordQuery } from "./record-query.ts";
import { keyedDigest } from "./search-value.ts";

/** After this record goes the next page. `value`: of the field that is sorted by; undefined among records that lack it, or without such a field. */
export interface SearchPosition {
  readonly value: string | undefined;
  readonly firstIndex: number;
}

interface CursorSource {
  readonly searchKey: KeyGenerations;
  readonly registry: string;
  readonly query: RecordQuery;
}

export function formatCursor(source: CursorSource, { value, firstIndex }: SearchPosition): string {
  const position = canonicalJson([value ?? null, firstIndex]);
  return `${encodeBase64url(encodeUtf8(position))}.${bindings(source, position)[0]!}`;
}

/** Throws `query_invalid` for what is not this search's. */
export function parseCursor(source: CursorSource, cursor: string): SearchPosition {
  const [encoded = "", binding = "", ...rest] = cursor.length > CURSOR_CHARS_MAX ? [] : cursor.split(".");
  try {
    const position = decodeUtf8(decodeBase64url(encoded));
    if (rest.length === 0 && bindings(source, position).includes(binding)) {
      const [value, firstIndex] = JSON.parse(position) as [string | null, number];
      return { value: value ?? undefined, firstIndex };
    }
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
  }
  throw new AttestryError(
    "query_invalid",
    "the cursor does not belong to this search; take it from the page before, and change nothing else",
  );
}

/** By each generation of the key, the current one first: a page is turned also while keys are being replaced. */
function bindings({ searchKey, registry, query }: CursorSource, position: string): string[] {
  const { conditions, state, sort, at } = query;
  return eachGeneration(searchKey).map((one, generation) => {
    const as = (current: string, formerly: string | undefined) => (generation === 0 ? current : (formerly ?? current));
    const asked: Json = [
      query.keys.map(({ digest, formerly }) => as(digest, formerly)),
      conditions.map(({ field, test }) => [
        field.name,
        JSON.stringify(test.kind === "equal" ? { kind: test.kind, value: as(test.value, test.formerly) } : test),
      ]),
      state ?? null,
      [sort.field?.name ?? null, sort.descending],
      [at?.asOf?.seconds ?? null, at?.validAt?.seconds ?? null],
    ];
    return keyedDigest({ searchKey: one, registry }, ["cursor"], [asked, position]);
  });
}
