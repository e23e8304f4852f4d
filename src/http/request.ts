// Reads what a request brings, within its limits: bodies, parameters, languages. Knows no operation.
import type { Context } from "hono";
import { parseAccept } from "hono/utils/accept";
import { AttestryError } from "../errors.ts";
import { BODY_BYTES_MAX, QUERY_PARAMETERS_MAX } from "../limits.ts";

// A signature is checked over the body before the operation reads it.
const bodies = new WeakMap<Request, Promise<Uint8Array>>();

/** The body's bytes, at most `bytesMax`; throws `body_too_large` before more than that was read. Asked again, it gives what it gave. */
export function readBody(context: Context, bytesMax: number = BODY_BYTES_MAX): Promise<Uint8Array> {
  const request = context.req.raw;
  const body = bodies.get(request) ?? readBytes(context, bytesMax);
  bodies.set(request, body);
  return body;
}

async function readBytes(context: Context, bytesMax: number): Promise<Uint8Array> {
  const declared = context.req.header("content-length");
  if (declared !== undefined) {
    if (Number(declared) > bytesMax) throw tooLarge(bytesMax);
    // Node's parser never hands over more than the declared length.
    return new Uint8Array(await context.req.arrayBuffer());
  }
  const reader = context.req.raw.body?.getReader();
  if (!reader) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel();
      throw tooLarge(bytesMax);
    }
    chunks.push(value);
  }
  return Buffer.concat(chunks);
}

function tooLarge(bytesMax: number): AttestryError {
  return new AttestryError("body_too_large", `the body is larger than the ${bytesMax} bytes allowed here`);
}

/** Throws `content_type_unsupported` unless the body is of one of these media types; a charset other than UTF-8 is refused. */
export function checkContentType(context: Context, allowed: readonly string[]): void {
  const encoding = context.req.header("content-encoding");
  if (encoding !== undefined && encoding.toLowerCase() !== "identity")
    throw new AttestryError("content_type_unsupported", "the body must come as it is, without a Content-Encoding");
  const [type, ...parameters] = (context.req.header("content-type") ?? "")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const isUtf8 = parameters.every(
    (parameter) => parameter === "charset=utf-8" || parameter === 'charset="utf-8"' || !parameter.startsWith("charset"),
  );
  if (allowed.includes(type ?? "") && isUtf8) return;
  throw new AttestryError("content_type_unsupported", `the body must be ${allowed.join(" or ")}, in UTF-8`);
}

/** The query's parameters, each given once. */
export function readQuery(context: Context): Readonly<Record<string, string>> {
  const parameters = [...new URL(context.req.url).searchParams];
  if (parameters.length > QUERY_PARAMETERS_MAX)
    throw new AttestryError(
      "query_invalid",
      `${parameters.length} parameters in one address; at most ${QUERY_PARAMETERS_MAX} are allowed`,
    );
  const names = new Set<string>();
  for (const [name] of parameters) {
    if (names.has(name)) throw new AttestryError("query_invalid", `"${name.slice(0, 80)}" is given twice`);
    names.add(name);
  }
  // Unlike assignment, this makes a member of its own even of "__proto__".
  return Object.fromEntries(parameters);
}

const PREFERENCE_CHARS_MAX = 300;

/** The reader's languages, the most wanted first, each followed by what it may be shortened to (RFC 4647 §3.4). */
export function readLanguages(context: Context): string[] {
  const ranges = parseAccept((context.req.header("accept-language") ?? "").slice(0, PREFERENCE_CHARS_MAX));
  const tags = ranges
    .filter(({ type, q }) => q > 0 && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/.test(type))
    .flatMap(({ type }) => {
      const subtags = type.split("-");
      return subtags.map((_subtag, at) => subtags.slice(0, subtags.length - at).join("-"));
    });
  return [...new Set(tags)];
}

/** Whether the reader takes a body compressed by gzip (RFC 9110 §12.5.3). */
export function acceptsGzip(context: Context): boolean {
  const codings = parseAccept((context.req.header("accept-encoding") ?? "").slice(0, PREFERENCE_CHARS_MAX));
  const found = codings.find(({ type }) => type.toLowerCase() === "gzip") ?? codings.find(({ type }) => type === "*");
  return found !== undefined && found.q > 0;
}
