// What somebody gives to be verified, told apart: an evidence file, a token, the text of a printed code, the link of a record. Proves nothing.
import { AttestryError } from "../errors.ts";
import { TOKEN_CHARS_MAX } from "../limits.ts";
import { parseRecordUrl } from "../records/record-url.ts";
import { parseEvidenceText } from "./evidence.ts";
import { decodePrintForm, PRINT_FORM_PREFIX } from "./print-form.ts";

/** What of a record is asked for. */
export interface RecordLink {
  readonly href: string;
  readonly version?: number;
}

export type Given =
  | { readonly kind: "evidence"; readonly evidence: unknown }
  | { readonly kind: "token"; readonly token: string }
  | { readonly kind: "link"; readonly link: RecordLink }
  | { readonly kind: "unreadable"; readonly reason: string };

const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(~[A-Za-z0-9_.-]*)*$/;
const VERSION = /^[1-9]\d{0,14}$/;
// What stands below a record's address and leads to the same record.
const BELOW_A_RECORD = /\/(evidence|receipt|certificate|versions|history)$/;

const NOT_KNOWN =
  "This is neither an evidence file, nor a signed record (token), nor the text of a printed code, nor the link of a record.";

function unreadable(reason: string): Given {
  return { kind: "unreadable", reason };
}

/** The record that an address leads to: its own, one below it, or that of a page that verifies it. */
export function parseRecordLink(text: string): RecordLink | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const asked = url.searchParams.get("of");
  const path = url.pathname.replace(/\/+$/, "");
  const href = path.endsWith("/verify") && asked !== null ? asked : `${url.origin}${path.replace(BELOW_A_RECORD, "")}`;
  if (parseRecordUrl(href) === undefined || !URL.canParse(href)) return undefined;
  const version = url.searchParams.get("version");
  if (version !== null && !VERSION.test(version)) return undefined;
  return { href, ...(version !== null && { version: Number(version) }) };
}

/** Never throws for what was given. */
export async function parseGiven(text: string): Promise<Given> {
  // Files of Windows programs begin with a mark that is no part of their text.
  const given = text.replace(/^\uFEFF/, "").trim();
  if (given === "") return unreadable("There is nothing in it.");
  try {
    if (given.startsWith("{")) return { kind: "evidence", evidence: parseEvidenceText(given) };
    // A base45 text may hold spaces, which mean something.
    if (given.startsWith(PRINT_FORM_PREFIX)) return { kind: "token", token: await decodePrintForm(given) };
  } catch (error) {
    if (error instanceof AttestryError) return unreadable(`It is damaged: ${error.message}.`);
    throw error;
  }
  if (/^https?:\/\//i.test(given)) {
    const link = parseRecordLink(given);
    return link ? { kind: "link", link } : unreadable("This address is not that of a record.");
  }
  // A mail program may have broken a token into lines.
  const token = given.replaceAll(/\s+/g, "");
  if (token.length <= TOKEN_CHARS_MAX && TOKEN.test(token)) return { kind: "token", token };
  return unreadable(NOT_KNOWN);
}
