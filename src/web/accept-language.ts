// What a request's Accept-Language asks for. Pure; the header is untrusted.
import { parseAccept } from "hono/utils/accept";
import { createReader, type Reader } from "./reader-language.ts";

/** Characters read of one header: browsers send a handful of languages, and each costs a look-up per text. */
const HEADER_CHARS_MAX = 300;

/** Reads an Accept-Language header; what is no language tag is passed over. */
export function parseReader(acceptLanguage: string | undefined): Reader {
  const wanted = parseAccept((acceptLanguage ?? "").slice(0, HEADER_CHARS_MAX))
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q);
  return createReader(wanted.map(({ type }) => type));
}
