// The form by which staff check records, read into a request or into what to mend. Pure; the fields are untrusted.
import { AttestryError, type ErrorDetail } from "../errors.ts";
import {
  CASE_NUMBER_CHARS_MAX,
  CHECK_HREF_CHARS_MAX,
  CHECK_PURPOSE_CHARS_MAX,
  CHECK_REFERENCES_MAX,
} from "../limits.ts";
import type { Reference } from "../records/record-url.ts";
import { type FollowPath, parseFollowPaths } from "../resolution/follow-paths.ts";
import { parseRecordLink } from "../verification/given-text.ts";

/** As it was typed, to stand in the form again. */
export interface CheckFields {
  readonly references: string;
  readonly follow: string;
  readonly caseNumber: string;
  readonly purpose: string;
}

export const EMPTY_CHECK: CheckFields = { references: "", follow: "", caseNumber: "", purpose: "" };

export interface CheckInput {
  readonly references: readonly Reference[];
  readonly follow: readonly FollowPath[];
  readonly caseNumber: string | undefined;
  readonly purpose: string | undefined;
}

export interface ParsedCheck {
  readonly fields: CheckFields;
  /** `field`: a member of CheckFields. Empty where there is an input. */
  readonly faults: readonly ErrorDetail[];
  readonly input: CheckInput;
}

const SHOWN_CHARS_MAX = 120;

/** On one line, without what no one can see: it is kept, searched for and printed. */
function readLine(text: string | null): string {
  return (text ?? "").replaceAll(/[\s\p{Cc}]+/gu, " ").trim();
}

function readReferences(text: string, faults: ErrorDetail[]): Reference[] {
  const fail = (message: string) => void faults.push({ field: "references", message });
  const links = text.split(/\s+/).filter((link) => link !== "");
  if (links.length === 0)
    fail("Paste the link of a record. It is on the record's page, on its certificate or in your file.");
  if (links.length > CHECK_REFERENCES_MAX)
    fail(
      `These are ${links.length} links; at most ${CHECK_REFERENCES_MAX} are checked at once. Send them in several parts.`,
    );
  const found = new Map<string, Reference>();
  for (const link of links.slice(0, CHECK_REFERENCES_MAX)) {
    const reference = link.length <= CHECK_HREF_CHARS_MAX ? parseRecordLink(link) : undefined;
    if (reference) found.set(`${reference.href} ${reference.version ?? ""}`, reference);
    else
      fail(
        `“${link.slice(0, SHOWN_CHARS_MAX)}” is not the link of a record. Such a link begins with https:// and has …/registries/NAME/records/ and a long number in it; copy all of it.`,
      );
  }
  return [...found.values()];
}

/** `owner, owner > district`: paths apart by commas or lines, steps from record to record apart by `>`. */
function readFollow(text: string, faults: ErrorDetail[]): FollowPath[] {
  const paths = text
    .split(/[,\n]/)
    .map((path) => path.split(/[>›→]/).map((field) => field.trim()))
    .filter((path) => path.join("") !== "");
  try {
    return parseFollowPaths(paths);
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    const message =
      error.code === "budget_exceeded"
        ? `This is too much to follow: ${error.message}.`
        : "Write names of fields, such as: owner, owner > district";
    faults.push({ field: "follow", message });
    return [];
  }
}

function checkLength(
  field: keyof CheckFields,
  text: string,
  { max, faults }: { max: number; faults: ErrorDetail[] },
): void {
  if (text.length > max) faults.push({ field, message: `At most ${max} characters; these are ${text.length}.` });
}

export function parseCheckForm(form: URLSearchParams): ParsedCheck {
  const faults: ErrorDetail[] = [];
  const fields: CheckFields = {
    references: form.get("references") ?? "",
    follow: form.get("follow") ?? "",
    caseNumber: readLine(form.get("caseNumber")),
    purpose: readLine(form.get("purpose")),
  };
  const references = readReferences(fields.references, faults);
  const follow = readFollow(fields.follow, faults);
  checkLength("caseNumber", fields.caseNumber, { max: CASE_NUMBER_CHARS_MAX, faults });
  checkLength("purpose", fields.purpose, { max: CHECK_PURPOSE_CHARS_MAX, faults });
  if (fields.caseNumber === "" && fields.purpose === "")
    faults.push({ field: "caseNumber", message: "Give a case number, or say below what the check is for." });
  return {
    fields,
    faults,
    input: {
      references,
      follow,
      caseNumber: fields.caseNumber || undefined,
      purpose: fields.purpose || undefined,
    },
  };
}
