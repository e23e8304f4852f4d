// The media types of files that records may hold, and how their bytes are told to be what they say. Pure; reads no more than it must.
import { decodeUtf8 } from "../crypto/hash.ts";

function beginsWith(...prefixes: readonly (readonly number[])[]): (bytes: Uint8Array) => boolean {
  return (bytes) => prefixes.some((prefix) => prefix.every((byte, at) => bytes[at] === byte));
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  return [...text].every((character, i) => bytes[at + i] === character.charCodeAt(0));
}

function isText(bytes: Uint8Array): boolean {
  try {
    // Control characters other than tabs and line ends are of no text that people read.
    return !/[^\P{Cc}\t\n\r\f]/u.test(decodeUtf8(bytes));
  } catch {
    return false;
  }
}

// A closed list: what a browser would run (HTML, SVG, XML) is not in it.
const TYPES: ReadonlyMap<string, { readonly extension: string; readonly is: (bytes: Uint8Array) => boolean }> = new Map(
  [
    ["application/pdf", { extension: "pdf", is: (bytes: Uint8Array) => hasText(bytes, 0, "%PDF-") }],
    ["image/png", { extension: "png", is: beginsWith([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) }],
    ["image/jpeg", { extension: "jpg", is: beginsWith([0xff, 0xd8, 0xff]) }],
    ["image/tiff", { extension: "tif", is: beginsWith([0x49, 0x49, 0x2a, 0x00], [0x4d, 0x4d, 0x00, 0x2a]) }],
    [
      "image/webp",
      { extension: "webp", is: (bytes: Uint8Array) => hasText(bytes, 0, "RIFF") && hasText(bytes, 8, "WEBP") },
    ],
    ["text/plain", { extension: "txt", is: isText }],
    ["text/csv", { extension: "csv", is: isText }],
  ],
);

export const ATTACHMENT_MEDIA_TYPES: readonly string[] = [...TYPES.keys()];

/** Whether the bytes begin as files of this media type do, or are text where it is one. */
export function isOfMediaType(bytes: Uint8Array, mediaType: string): boolean {
  return bytes.length > 0 && (TYPES.get(mediaType)?.is(bytes) ?? false);
}

/** How names of such files end, without the dot. */
export function fileExtension(mediaType: string): string {
  return TYPES.get(mediaType)?.extension ?? "bin";
}
