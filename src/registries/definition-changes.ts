// Says what a changed definition means for those who read or write under the old one, member by member. Pure; conservative.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { Definition } from "./definition.ts";
import {
  asObject,
  asTexts,
  type ChangeList,
  compareSchemas,
  type DefinitionChange,
  differs,
  missingIn,
} from "./schema-changes.ts";

type Compare = (before: Json | undefined, after: Json | undefined, changes: ChangeList) => void;

/** Every change from `before` to `after`, breaking ones first; empty where both say the same. */
export function compareDefinitions(before: Definition, after: Definition): DefinitionChange[] {
  const found: DefinitionChange[] = [];
  const changes: ChangeList = {
    compatible: (field, message) => found.push({ field, kind: "compatible", message }),
    breaking: (field, message) => found.push({ field, kind: "breaking", message }),
  };
  const [old, next] = [before, after] as unknown as readonly [JsonObject, JsonObject];
  for (const member of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (member === "schema" || !differs(old[member], next[member])) continue;
    const compare = MEMBERS[member] ?? breakingMember("is another, and what that means cannot be judged");
    compare(old[member], next[member], at(changes, `/${member}`));
  }
  compareSchemas(
    { schema: before.schema, isPersonal: before.access === "consent" },
    { schema: after.schema, isPersonal: after.access === "consent" },
    { at: "/schema", changes },
  );
  return [...found.filter(({ kind }) => kind === "breaking"), ...found.filter(({ kind }) => kind === "compatible")];
}

/** Only the breaking ones. */
export function findBreakingChanges(before: Definition, after: Definition): DefinitionChange[] {
  return compareDefinitions(before, after).filter(({ kind }) => kind === "breaking");
}

function at(changes: ChangeList, place: string): ChangeList {
  return {
    compatible: (field, message) => changes.compatible(`${place}${field}`, message),
    breaking: (field, message) => changes.breaking(`${place}${field}`, message),
  };
}

function compatibleMember(message: string): Compare {
  return (_before, _after, changes) => changes.compatible("", message);
}

function breakingMember(message: string): Compare {
  return (_before, _after, changes) => changes.breaking("", message);
}

const ACCESS_RANK: Readonly<Record<string, number>> = { consent: 0, members: 1, public: 2 };

/** Whether more people may read under access `after` than under `before`. */
export function isWiderAccess(before: Json | undefined, after: Json | undefined): boolean {
  return (ACCESS_RANK[String(after)] ?? 0) > (ACCESS_RANK[String(before)] ?? 0);
}

const compareAccess: Compare = (before, after, changes) => {
  const isWider = isWiderAccess(before, after);
  const effect = isWider ? "more people read the records" : "some who read the records no longer may";
  changes.breaking("", `was "${String(before)}", is "${String(after)}": ${effect}`);
};

const compareIdentifier: Compare = (before, after, changes) => {
  if (before === undefined) changes.breaking("", "records get an identifier; those there are have none");
  else if (after === undefined) changes.breaking("", "new records get no identifier");
  else changes.breaking("", "new records get an identifier of another form");
};

function codesOf(purposes: Json | undefined): string[] {
  const list = Array.isArray(purposes) ? purposes : [];
  return list.map((one) => (isJsonObject(one) ? String(one.code) : String(one)));
}

const comparePurposes: Compare = (before, after, changes) => {
  const [old, next] = [codesOf(before), codesOf(after)];
  for (const purpose of missingIn(next, old)) changes.compatible("", `consent may be asked for "${String(purpose)}"`);
  for (const purpose of missingIn(old, next))
    changes.breaking("", `consent is no longer asked for "${String(purpose)}"`);
  if (old.length === next.length && missingIn(next, old).length === 0)
    changes.compatible("", "purposes of consent are described differently: consents that were given keep their terms");
};

const compareActs: Compare = (before, after, changes) => {
  const [old, next] = [asObject(before), asObject(after)];
  compareReasons(old.reasons, next.reasons, changes);
  const [was, is] = [asObject(old.required), asObject(next.required)];
  for (const operation of new Set([...Object.keys(was), ...Object.keys(is)])) {
    for (const part of missingIn(asTexts(is[operation]), asTexts(was[operation])))
      changes.breaking(`/required/${operation}`, `"${String(part)}" must be given`);
    for (const part of missingIn(asTexts(was[operation]), asTexts(is[operation])))
      changes.compatible(`/required/${operation}`, `"${String(part)}" may be left out`);
  }
};

function compareReasons(before: Json | undefined, after: Json | undefined, changes: ChangeList): void {
  if (!differs(before, after)) return;
  if (before === undefined) return void changes.breaking("/reasons", "a reason must be one of these codes");
  if (after === undefined) return void changes.breaking("/reasons", "reasons are free texts, and no longer stand open");
  const [old, next] = [asObject(before), asObject(after)];
  for (const code of new Set([...Object.keys(old), ...Object.keys(next)])) {
    if (next[code] === undefined) changes.breaking(`/reasons/${code}`, "is no longer a reason");
    else if (old[code] === undefined) changes.compatible(`/reasons/${code}`, "is a new reason");
    else if (differs(old[code], next[code])) changes.compatible(`/reasons/${code}`, "has another text");
  }
}

/** Lists of rules with names. */
function compareRules(options: {
  added: [keyof ChangeList, string];
  removed: [keyof ChangeList, string];
  changed: (before: JsonObject, after: JsonObject) => [keyof ChangeList, string];
}): Compare {
  const byName = (value: Json | undefined): Map<string, JsonObject> =>
    new Map((Array.isArray(value) ? value : []).map((rule) => [String(asObject(rule).name), asObject(rule)]));
  return (before, after, changes) => {
    const [old, next] = [byName(before), byName(after)];
    for (const name of new Set([...old.keys(), ...next.keys()])) {
      const [was, is] = [old.get(name), next.get(name)];
      if (was && is && !differs(was, is)) continue;
      const [kind, message] = was && is ? options.changed(was, is) : was ? options.removed : options.added;
      changes[kind](`/${name}`, message);
    }
  };
}

const compareDuplicates = compareRules({
  added: ["breaking", "is a new rule: what looks like a duplicate by it is refused unless a reason is given"],
  removed: ["compatible", "is removed: fewer records are held up as possible duplicates"],
  changed: () => ["breaking", "is another rule: other records are held up as possible duplicates"],
});

const compareStatistics = compareRules({
  added: ["compatible", "is a new table of counts"],
  removed: ["breaking", "is no longer counted"],
  changed: (before, after) => {
    if (differs(before.fields, after.fields)) return ["breaking", "counts by other fields"];
    // Without a number it depends on what is personal, which is compared field by field.
    const isHidingMore = typeof before.smallest === "number" && Number(after.smallest ?? 0) > before.smallest;
    return isHidingMore
      ? ["compatible", `counts below ${String(after.smallest)} are not shown`]
      : ["breaking", "smaller counts may be shown"];
  },
});

/** Every age that may be asked about, as "18 years since born". */
function listAges(ages: Json | undefined): string[] {
  return (Array.isArray(ages) ? ages : [])
    .map(asObject)
    .flatMap(({ field, years }) =>
      (Array.isArray(years) ? years : []).map((number) => `${String(number)} years since "${String(field)}"`),
    );
}

const compareAnswers: Compare = (before, after, changes) => {
  const [old, next] = [asObject(before), asObject(after)];
  if (old.exists === undefined && next.exists !== undefined) changes.compatible("/exists", "is answered");
  if (old.exists !== undefined && next.exists === undefined) changes.breaking("/exists", "is no longer answered");
  for (const field of missingIn(asTexts(next.matches), asTexts(old.matches)))
    changes.compatible("/matches", `"${String(field)}" is compared`);
  for (const field of missingIn(asTexts(old.matches), asTexts(next.matches)))
    changes.breaking("/matches", `"${String(field)}" is no longer compared`);
  const [oldAges, nextAges] = [listAges(old.ages), listAges(next.ages)];
  for (const age of missingIn(nextAges, oldAges)) changes.compatible("/ages", `${String(age)} are answered about`);
  for (const age of missingIn(oldAges, nextAges))
    changes.breaking("/ages", `${String(age)} are no longer answered about`);
};

const compareRetired: Compare = (before, after, changes) => {
  if (before === undefined) changes.breaking("", "no new record is taken any more; those there are stay");
  else if (after === undefined) changes.compatible("", "new records are taken again");
  else changes.compatible("", "the reason or the successor is another");
};

const MEMBERS: Readonly<Record<string, Compare>> = {
  type: (before, after, changes) =>
    changes.breaking("", `was "${String(before)}", is "${String(after)}": authority is granted by type`),
  title: compatibleMember("is another text"),
  description: compatibleMember("is another text"),
  display: compatibleMember("records are called differently for people"),
  access: compareAccess,
  identifier: compareIdentifier,
  subject: breakingMember("whose record it is, is told in another way"),
  guardianship: breakingMember("who acts for a child is told in another way"),
  bases: breakingMember("who may read what without consent is another"),
  purposes: comparePurposes,
  approval: breakingMember("who must approve a change is another"),
  retention: breakingMember("how long records are kept is another"),
  acts: compareActs,
  duplicates: compareDuplicates,
  statistics: compareStatistics,
  answers: compareAnswers,
  retired: compareRetired,
  jurisdiction: breakingMember("which records a member of staff reads and writes is told in another way"),
};
