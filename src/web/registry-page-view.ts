// Gathers what the pages of a registry show: its fields, its search form, the choices that need records. Reads as anybody may.

import { createExpiringCache } from "../expiring-cache.ts";
import { ANONYMOUS } from "../identity/caller.ts";
import { PAGE_CHOICES_ENTRIES_MAX, PAGE_CHOICES_MAX, PAGE_CHOICES_SECONDS, PAGE_COLUMNS_MAX } from "../limits.ts";
import type { RecordSearchService } from "../records/search/record-search-service.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RegistryService } from "../registries/registry-service.ts";
import { type FieldView, listFields } from "./field-view.ts";
import { chooseText, DEFAULT_READER, listLookupTags, type Reader } from "./reader-language.ts";
import { type Choice, listSearchGroups, listSorts, type SearchGroup } from "./search-parameters.ts";

export interface RegistryPageView {
  readonly compiled: CompiledDefinition;
  readonly fields: readonly FieldView[];
  readonly groups: readonly SearchGroup[];
  readonly sorts: readonly Choice[];
}

export interface RegistryPageDeps {
  readonly registries: Pick<RegistryService, "getCurrent" | "list" | "listVersions">;
  readonly recordSearches: Pick<RecordSearchService, "find">;
  readonly clock: () => number;
}

/** The view without choices that would have to be read: for lists of registries. */
export function describeRegistry(compiled: CompiledDefinition): RegistryPageView {
  const fields = listFields(compiled);
  return { compiled, fields, groups: listSearchGroups(compiled, fields), sorts: listSorts(compiled, fields) };
}

export interface RegistryViews {
  /** Throws `registry_unknown`. */
  load(name: string, reader: Reader): Promise<RegistryPageView>;
}

/** Makes the views of registries; remembers for a moment which records a reference may be chosen from. */
export function createRegistryViews(deps: RegistryPageDeps): RegistryViews {
  const { registries, recordSearches, clock } = deps;

  // By registry and language, parted by a space; of one with more records than can be chosen from there are none.
  const choices = createExpiringCache<readonly Choice[]>({
    load: async (key) => {
      const [registry, language] = key.split(" ");
      const { records } = await recordSearches.find({
        caller: ANONYMOUS,
        registry: registry!,
        languages: listLookupTags({ ...DEFAULT_READER, languages: [language!] }),
        fields: {},
        cursor: undefined,
        limit: PAGE_CHOICES_MAX + 1,
        inAddress: true,
      });
      const value =
        records.length > PAGE_CHOICES_MAX ? [] : records.map((view) => ({ value: view.href, text: view.display }));
      return { value, expiresAt: clock() + PAGE_CHOICES_SECONDS };
    },
    entriesMax: PAGE_CHOICES_ENTRIES_MAX,
    failureSeconds: 0,
    clock,
  });

  async function offerReferences(group: SearchGroup, reader: Reader): Promise<SearchGroup> {
    const { referenceType } = group;
    const [input] = group.inputs;
    if (referenceType === undefined || input === undefined) return group;
    const own = (await registries.list()).filter(
      ({ definition }) => definition.type === referenceType && definition.access === "public",
    );
    if (own.length !== 1) return { ...group, hint: "the address of the record" };
    const offered = await choices.get(`${own[0]!.definition.name} ${reader.languages[0] ?? DEFAULT_READER.locale}`);
    if (offered.length === 0) return { ...group, hint: "the address of the record" };
    const { compare } = new Intl.Collator(reader.locale, { numeric: true });
    const sorted = offered.toSorted((a, b) =>
      compare(chooseText(a.text, reader).text, chooseText(b.text, reader).text),
    );
    return { ...group, inputs: [{ ...input, type: "choice", choices: sorted }] };
  }

  return {
    async load(name, reader) {
      const view = describeRegistry(await registries.getCurrent(name));
      if (view.compiled.definition.access !== "public") return view;
      return { ...view, groups: await Promise.all(view.groups.map((group) => offerReferences(group, reader))) };
    },
  };
}

const IN_CELLS = ["text", "number", "yes-no", "day", "instant", "reference"];

/** The columns of a table of records: what is searched by first, and nothing that the record's name says already. */
export function chooseColumns(
  { compiled, fields }: RegistryPageView,
  reader: Reader,
): { columns: FieldView[]; hasIdentifier: boolean } {
  const { display, identifier } = compiled.definition;
  const template = display === undefined ? "" : chooseText(display, reader).text;
  const isSaid = (name: string): boolean => template.includes(`{${name}}`);
  const identifierField = typeof identifier === "object" ? identifier.field : undefined;
  const searched = new Set(compiled.annotations.searchFields.map(({ name }) => name));
  const candidates = fields.filter(
    (field) =>
      IN_CELLS.includes(field.kind) && !field.personal && !isSaid(field.name) && field.name !== identifierField,
  );
  const rank = (field: FieldView): number => (searched.has(field.name) ? 0 : field.required ? 1 : 2);
  const chosen = new Set(candidates.toSorted((a, b) => rank(a) - rank(b)).slice(0, PAGE_COLUMNS_MAX));
  const hasIdentifier =
    identifier !== undefined && display !== undefined && !isSaid("identifier") && !isSaid(identifierField ?? "");
  return { columns: candidates.filter((field) => chosen.has(field)), hasIdentifier };
}
