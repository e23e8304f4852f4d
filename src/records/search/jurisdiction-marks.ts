// By what the database tells in whose jurisdiction a record is: keyed hashes of the values that its registry's rules name. Pure.

import type { JsonObject } from "../../crypto/json.ts";
import { eachGeneration, type KeyGenerations } from "../../crypto/key-generations.ts";
import type { Caller } from "../../identity/caller.ts";
import { type Bound, claimText, findBounds, outsideJurisdiction } from "../../identity/jurisdiction.ts";
import { valuesAt } from "../../registries/annotations.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { CompiledJurisdiction } from "../../registries/index-rules.ts";
import type { JurisdictionMark } from "../record-sight.ts";
import { keyedDigest } from "./search-value.ts";

interface MarkSource {
  readonly searchKey: KeyGenerations;
  readonly registry: string;
}

// Field and claim both: a changed rule finds no record by the marks of the rule before it. No field that is searched begins like this.
const markField = ({ claim, field }: CompiledJurisdiction) => `~within/${claim}/${field}`;

const markValue = (source: MarkSource, rule: CompiledJurisdiction, text: string) =>
  keyedDigest(source, ["within", rule.claim, rule.field], [text]);

/** The rows that a record's data have in the search table. */
export function jurisdictionMarks(options: {
  searchKey: KeyGenerations;
  compiled: CompiledDefinition;
  data: JsonObject;
}): { field: string; value: string }[] {
  const { searchKey, compiled, data } = options;
  const source = { searchKey, registry: compiled.definition.name };
  return compiled.rules.jurisdiction.flatMap((rule) => {
    const text = claimText(valuesAt(data, rule.path)[0]);
    return text === undefined ? [] : [{ field: markField(rule), value: markValue(source, rule, text) }];
  });
}

/** The rows that records within these bounds have. */
export function boundMarks(source: MarkSource, bounds: readonly Bound<CompiledJurisdiction>[]): JurisdictionMark[] {
  return bounds.map(({ rule, values }) => ({
    field: markField(rule),
    values: eachGeneration(source.searchKey).flatMap((searchKey) =>
      values.map((text) => markValue({ ...source, searchKey }, rule, text)),
    ),
  }));
}

/** Throws `permission_denied` where data are outside the jurisdiction of who writes them, before or after. They are read only for who is bound. */
export function checkJurisdiction(caller: Caller, compiled: CompiledDefinition, readData: () => JsonObject): void {
  const bounds = findBounds(caller, compiled.rules.jurisdiction);
  if (bounds.length === 0) return;
  const data = readData();
  const isWithin = bounds.every(({ rule, values }) => {
    const text = claimText(valuesAt(data, rule.path)[0]);
    return text !== undefined && values.includes(text);
  });
  if (!isWithin) throw outsideJurisdiction(compiled.definition.name, bounds);
}
