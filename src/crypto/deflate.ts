// DEFLATE, with and without the ZLIB frame, by Node's zlib or the browser's streams: both accept the same bytes. What is inflated is capped.
import { AttestryError } from "../errors.ts";
import { concatBytes } from "./hash.ts";

export type DeflateFormat = "deflate" | "deflate-raw";

// No static import of a Node module: browsers load this file.
const zlib = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process?.getBuiltinModule?.(
  "node:zlib",
) as typeof import("node:zlib") | undefined;

function invalid(message: string, cause?: unknown): AttestryError {
  return new AttestryError("encoding_invalid", message, cause === undefined ? {} : { cause });
}

async function readThrough(
  bytes: Uint8Array,
  transform: CompressionStream | DecompressionStream,
  bytesMax: number,
): Promise<Uint8Array> {
  const reader = new Blob([new Uint8Array(bytes)]).stream().pipeThrough(transform).getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return concatBytes(...chunks);
    length += value.length;
    if (length > bytesMax) {
      await reader.cancel();
      throw invalid(`compressed data inflates to more than ${bytesMax} bytes`);
    }
    chunks.push(value);
  }
}

function inflateNatively(native: typeof import("node:zlib"), bytes: Uint8Array, options: InflateOptions): Uint8Array {
  const inflate = options.format === "deflate" ? native.inflateSync : native.inflateRawSync;
  // `info` is missing in the type of the synchronous call's answer, not in the answer.
  const { buffer, engine } = inflate(bytes, { maxOutputLength: options.bytesMax, info: true }) as unknown as {
    buffer: Uint8Array;
    engine: { bytesWritten: number };
  };
  // Node stops at the end of the stream and ignores what follows; browsers refuse it. Both must accept the same bytes.
  if (engine.bytesWritten !== bytes.length) throw invalid("compressed data has bytes after its end");
  return buffer;
}

interface InflateOptions {
  readonly format: DeflateFormat;
  readonly bytesMax: number;
}

/** Throws `encoding_invalid`, also for bytes that follow the compressed data and for more than `bytesMax` bytes. */
export async function inflate(bytes: Uint8Array, options: InflateOptions): Promise<Uint8Array> {
  try {
    if (zlib) return inflateNatively(zlib, bytes, options);
    return await readThrough(bytes, new DecompressionStream(options.format), options.bytesMax);
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    throw invalid(`data cannot be inflated, or inflates to more than ${options.bytesMax} bytes`, cause);
  }
}

/** On another thread: a full status list takes long enough that every request would feel it. */
function deflateNatively(
  native: typeof import("node:zlib"),
  bytes: Uint8Array,
  format: DeflateFormat,
): Promise<Uint8Array> {
  const compress = format === "deflate" ? native.deflate : native.deflateRaw;
  return new Promise((resolve, reject) => {
    // A copy: the caller may go on changing its own.
    compress(bytes.slice(), { level: 9 }, (error, deflated) => (error ? reject(error) : resolve(deflated)));
  });
}

/** At the highest level where that can be chosen. */
export async function deflate(bytes: Uint8Array, format: DeflateFormat): Promise<Uint8Array> {
  if (zlib) return deflateNatively(zlib, bytes, format);
  return readThrough(bytes, new CompressionStream(format), Number.POSITIVE_INFINITY);
}
