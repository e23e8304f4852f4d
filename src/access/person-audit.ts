// What a person took home of the access log, held against the log itself: every event is a leaf of it, and no leaf is the person's that is not there. Pure; runs in a browser.
import { decodeBase64url } from "../crypto/base64.ts";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { decodeJws, verifyJws } from "../crypto/jws.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { AttestryError } from "../errors.ts";
import { AUDIT_PROBLEMS_MAX, PERSON_AUDIT_TAGS_AHEAD } from "../limits.ts";
import { commitment, ENTRY_SECRET_BYTES, type LogEntry } from "../log/entry.ts";
import { ACCESS_EVENT_TYPE, accessEventDigest, accessTag } from "./access-event.ts";

/** schemas/person-readings.schema.json */
export interface PersonReadings {
  readonly node: string;
  /** Entries that the access log had when it was made. */
  readonly size: number;
  readonly keys: readonly { readonly subject: string; readonly tag_key: string }[];
  readonly readings: readonly {
    readonly subject: string;
    readonly index: number;
    /** The signed event, and the salt of its entry (base64url). */
    readonly event: string;
    readonly salt: string;
    readonly receipt?: string;
  }[];
}

export interface PersonProblem {
  readonly code: "event_missing" | "entry_missing" | "event_changed" | "tag_wrong" | "chain_broken" | "signature_wrong";
  readonly message: string;
  readonly index?: number;
}

export interface PersonAudit {
  readonly ok: boolean;
  readonly readings: number;
  /** Readings that the log has since the file was made. */
  readonly later: number;
  readonly problems: readonly PersonProblem[];
}

/** Throws `request_invalid`. `value` may be the whole of a download, which has them as `access_log`. */
export function parsePersonReadings(value: Json): PersonReadings {
  const file = isJsonObject(value) && isJsonObject(value.access_log) ? value.access_log : value;
  const isText = (one: Json | undefined): one is string => typeof one === "string";
  const isCount = (one: Json | undefined) => Number.isSafeInteger(one) && Number(one) >= 0;
  const areObjects = (one: Json | undefined): one is JsonObject[] => Array.isArray(one) && one.every(isJsonObject);
  const isSound =
    isJsonObject(file) &&
    isText(file.node) &&
    isCount(file.size) &&
    areObjects(file.keys) &&
    file.keys.every(({ subject, tag_key }) => isText(subject) && isText(tag_key)) &&
    areObjects(file.readings) &&
    file.readings.every((one) => isText(one.subject) && isCount(one.index) && isText(one.event) && isText(one.salt));
  if (isSound) return file as unknown as PersonReadings;
  throw new AttestryError(
    "request_invalid",
    "this is no file of readings: download it from the page of your data (schemas/person-readings.schema.json)",
  );
}

/** Takes the log's entries one after another, in any order; then says what is wrong. `keys`: record keys of the node; none: signatures are not judged. */
export function createPersonAudit(
  file: PersonReadings,
  keys: readonly PublicKey[],
): { see(index: number, entry: LogEntry): void; finish(): Promise<PersonAudit> } {
  const wanted = new Set(file.readings.map(({ index }) => index));
  const entries = new Map<number, LogEntry>();
  // Every tag that the person's own chains may have in the log, with its place in the chain.
  const placeOf = new Map<string, { subject: string; number: number }>();
  for (const { subject, tag_key } of file.keys) {
    const key = decodeBase64url(tag_key);
    const own = file.readings.filter((one) => one.subject === subject).length;
    for (let number = 1; number <= own + PERSON_AUDIT_TAGS_AHEAD; number++)
      placeOf.set(accessTag(key, number), { subject, number });
  }
  const tagged = new Map<number, { subject: string; number: number }>();

  return {
    see(index, entry) {
      if (wanted.has(index)) entries.set(index, entry);
      const place = placeOf.get(entry.r);
      if (place) tagged.set(index, place);
    },

    async finish() {
      const problems: PersonProblem[] = [];
      const add = (problem: PersonProblem) => {
        if (problems.length < AUDIT_PROBLEMS_MAX) problems.push(problem);
      };
      const subjects = new Set(file.keys.map(({ subject }) => subject));
      const ends = new Map<string, { number: number; digest: string }>();
      for (const reading of file.readings.toSorted((a, b) => a.index - b.index)) {
        const { index, subject } = reading;
        const problem = (code: PersonProblem["code"], message: string) => add({ code, message, index });
        const entry = entries.get(index);
        if (!entry) {
          problem("entry_missing", "the log has no entry where this reading is said to stand");
          continue;
        }
        const payload = await readEvent(reading, entry, keys, problem);
        if (!payload) continue;
        const isDelayed = payload.delayed === true;
        const place = tagged.get(index);
        // The key of the chain that a law delays stays with the node: of that only that each event is a leaf can be checked.
        if (!isDelayed && subjects.has(subject) && (place?.subject !== subject || place.number !== payload.n))
          problem("tag_wrong", "the entry's tag is of another place in the chain");
        const chain = `${subject}/${isDelayed}`;
        const end = ends.get(chain);
        const next = (end?.number ?? 0) + 1;
        // Of what a law delays some may still be kept from the person: there numbers only have to rise.
        const isSecretBefore = isDelayed && Number(payload.n) > next;
        if (payload.n !== next && !isSecretBefore)
          problem("chain_broken", `after number ${end?.number ?? 0} comes ${String(payload.n)}`);
        else if (payload.prev !== end?.digest && !isSecretBefore)
          problem("chain_broken", "the event names another event as the one before it");
        ends.set(chain, { number: Number(payload.n), digest: accessEventDigest(reading.event) });
      }
      const missing = [...tagged].filter(([index]) => !wanted.has(index));
      for (const [index, { number }] of missing)
        if (index < file.size)
          add({ code: "event_missing", message: `the log has a reading number ${number} that the file lacks`, index });
      const later = missing.filter(([index]) => index >= file.size).length;
      return { ok: problems.length === 0, readings: file.readings.length, later, problems };
    },
  };
}

/** The event's payload, if it is what the log's entry was made for. */
async function readEvent(
  { event, salt, subject }: PersonReadings["readings"][number],
  entry: LogEntry,
  keys: readonly PublicKey[],
  problem: (code: PersonProblem["code"], message: string) => void,
): Promise<JsonObject | undefined> {
  try {
    const bytes = decodeBase64url(salt);
    if (bytes.length !== ENTRY_SECRET_BYTES || commitment(entry.e, bytes, event) !== entry.c) {
      problem("event_changed", "the log's entry was made for another event");
      return undefined;
    }
    const { payload } = decodeJws(event);
    if (payload.sub !== subject) problem("event_changed", "the event is about another person");
    if (keys.length > 0) await verifyJws(event, { typ: ACCESS_EVENT_TYPE, keys });
    return payload;
  } catch (error) {
    if (!(error instanceof AttestryError)) throw error;
    problem("signature_wrong", "the event is not signed by a record key of the node");
    return undefined;
  }
}
