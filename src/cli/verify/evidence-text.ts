// What a text to be verified is: an evidence file, a bare token, or a token in the form of a printed QR code. Proves nothing.
import { AttestryError } from "../../errors.ts";
import { parseRecordUrl } from "../../records/record-url.ts";
import { parseEvidenceText } from "../../verification/evidence.ts";
import { decodePrintForm, PRINT_FORM_PREFIX } from "../../verification/print-form.ts";

/** A record that somebody points to. */
export interface RecordLink {
  readonly href: string;
  readonly version?: number;
}

const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+~[\w~.-]*$/;
const BYTE_ORDER_MARK = "\ufeff";

/**
 * The value to verify. A token stands alone, so its proofs have to be fetched. Throws `evidence_invalid` or `json_*`; of a text in print
 * form what `decodePrintForm` throws.
 */
export async function readEvidenceText(text: string): Promise<unknown> {
  const trimmed = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1).trim() : text.trim();
  if (trimmed.startsWith(PRINT_FORM_PREFIX)) return { token: await decodePrintForm(trimmed) };
  if (TOKEN.test(trimmed)) return { token: trimmed };
  if (trimmed.startsWith("{")) return parseEvidenceText(text);
  throw new AttestryError(
    "evidence_invalid",
    "this is neither an evidence file (JSON), nor a token (three parts and ~), nor the text of a printed QR code (ATTESTRY1:…)",
  );
}

/** Reads a record's URL, or the link of a printed certificate (`…/verify?of=URL&version=N`); undefined where it is neither. */
export function parseRecordLink(text: string): RecordLink | undefined {
  if (parseRecordUrl(text)) return { href: text };
  if (!URL.canParse(text)) return undefined;
  const { pathname, searchParams } = new URL(text);
  const href = searchParams.get("of");
  if (!pathname.endsWith("/verify") || href === null || parseRecordUrl(href) === undefined) return undefined;
  const version = Number(searchParams.get("version") ?? Number.NaN);
  return { href, ...(Number.isSafeInteger(version) && version > 0 && { version }) };
}
