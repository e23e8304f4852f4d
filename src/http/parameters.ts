// The parameters that several operations have: names in paths, paging, preconditions. Each says how it is read.
import { AttestryError } from "../errors.ts";
import { HEADER_IDEMPOTENCY_KEY_CHARS_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from "../limits.ts";
import type { Parameter, Parameters } from "./operation.ts";

/** Every name that stands in braces in a path. They are not checked here: what they name is found, or not. */
export const PATH_PARAMETERS: Parameters = {
  registry: {
    description: "Name of a registry of this node.",
    schema: { type: "string", pattern: "^[a-z][a-z0-9-]{0,62}$" },
    example: "districts",
  },
  rid: {
    description: "The record's identifier within this node, as answers give it.",
    schema: { type: "string", format: "uuid" },
    example: "4f0c2a4e-6d1b-8c57-9f3e-2b7a1c9d8e60",
  },
  enrolment: {
    description: "Identifier of an application, as the answer to it gives it.",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]{22}$" },
    example: "mS1nYyQ2mC0x7nO3rV9t4A",
  },
  proposal: {
    description: "Identifier of a proposal, as the answer to what was proposed gives it.",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]{22}$" },
    example: "Zq0fY3n6yqk2pY0m3kQ1bA",
  },
  consent: {
    description: "This node's number of a consent that it asked for, as the answer to asking gives it.",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]{43}$" },
    example: "q0JZ1n4kq2m0bK7oXJv0mN3y0w1c5dX8r2tU6eYfP9A",
  },
  version: {
    description: "Number of a version, from 1.",
    schema: { type: "integer", minimum: 1 },
    example: 1,
  },
  statistic: {
    description: "Name of a statistic of the registry's definition.",
    schema: { type: "string", pattern: "^[a-z][a-z0-9-]{0,62}$" },
    example: "by-state",
  },
  digest: {
    description: "SHA-256 in base64url: of a file, or of what decides in a trust chain.",
    schema: { type: "string", pattern: "^[A-Za-z0-9_-]{43}$" },
    example: "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
  },
  size: { description: "Entries of the log.", schema: { type: "integer", minimum: 0 }, example: 763 },
  file: { description: "Name of a file of a set of open data.", schema: { type: "string" }, example: "records.csv" },
  list: { description: "Number of a status list.", schema: { type: "integer", minimum: 0 }, example: 0 },
  log: { description: "Name of a log of this node.", schema: { type: "string" }, example: "records" },
  tile: {
    description:
      "Level, index and width of a tile or of a bundle of entries, as C2SP tlog-tiles has them. It may contain slashes, which are sent as they are.",
    schema: { type: "string" },
    example: "0/000.p/1",
  },
};

export const VERSION = {
  description: "Number of the version to read, from 1; without it, the current one.",
  schema: { type: "integer" },
  example: 1,
} as const satisfies Parameter;

export const CURSOR = {
  description: "Where to go on: `next` of the page before.",
  schema: { type: "string" },
} as const satisfies Parameter;

export const LIMIT = {
  description: `Records on a page, ${PAGE_SIZE_DEFAULT} unless given.`,
  schema: { type: "integer", minimum: 1, maximum: PAGE_SIZE_MAX, default: PAGE_SIZE_DEFAULT },
  example: 20,
} as const satisfies Parameter;

export const IF_MATCH = {
  description: "The ETag of what you read, so that nobody's change in between is lost.",
  schema: { type: "string", pattern: '^"[^"]{1,64}"$' },
  example: '"1.0"',
  read: readEntityTag,
} as const satisfies Parameter;

export const IF_MATCH_REQUIRED = {
  ...IF_MATCH,
  required: true,
  missing: {
    code: "precondition_required",
    message: "this needs If-Match with the ETag of the version you read, so that nobody's change is lost",
  },
} as const satisfies Parameter;

export const IF_NONE_MATCH = {
  description: "The ETag of what you have; where it still holds, the answer is 304 without a body.",
  schema: { type: "string" },
  example: '"1.0"',
} as const satisfies Parameter;

export const ACCEPT_LANGUAGE = {
  description: "Languages in which texts for people are wanted.",
  schema: { type: "string" },
  example: "hi, en;q=0.5",
} as const satisfies Parameter;

export const AS_OF = {
  description: "What was recorded then: a date (its last instant, UTC) or a date with time and zone.",
  schema: { type: "string" },
  example: "2026-03-31",
} as const satisfies Parameter;

export const VALID_AT = {
  description: "What was in effect then: a date or a date with time and zone.",
  schema: { type: "string" },
  example: "2026-03-31",
} as const satisfies Parameter;

export const IDEMPOTENCY_KEY = {
  description:
    "A text of your choice that names this change. Sent again with the same key and body, it is answered as it was and made once.",
  schema: { type: "string", minLength: 1, maxLength: HEADER_IDEMPOTENCY_KEY_CHARS_MAX + 2 },
  example: "2f6d3c1e-registration-1207",
  read: readIdempotencyKey,
} as const satisfies Parameter;

/** RFC 9110 §13.1.1: the one strong entity tag that we give, without its quotes. */
function readEntityTag(text: string): string {
  const tag = /^"([^"]{1,64})"$/.exec(text.trim());
  if (tag !== null) return tag[1]!;
  throw new AttestryError(
    "header_invalid",
    'If-Match must be one entity tag in quotes, as ETag gave it, such as "3.0"',
  );
}

function readIdempotencyKey(key: string): string {
  // The draft's form is a quoted string; bare tokens are what clients send.
  const text = /^"(.*)"$/.exec(key)?.[1] ?? key;
  if (text === "" || text.length > HEADER_IDEMPOTENCY_KEY_CHARS_MAX || /[^\x21-\x7e]/.test(text)) {
    throw new AttestryError(
      "header_invalid",
      `Idempotency-Key must have 1 to ${HEADER_IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters`,
    );
  }
  return text;
}

/** A whole number in the path. */
export function readNumber(text: string, name: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new AttestryError("query_invalid", `"${name}" must be a whole number`);
  return Number(text);
}
