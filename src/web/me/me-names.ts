// What people call the registries, fields, purposes and departments that permissions and looks speak of, in the reader's language. Reads definitions and decides nothing.
import type { LocalizedText } from "../../registries/localized-text.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import { type FieldView, flattenFields, listFields } from "../field-view.ts";
import { chooseText, type Reader } from "../reader-language.ts";

export interface MeNames {
  registry(registry: string): string;
  field(registry: string, field: string): string;
  /** A field of some of these registries. */
  fieldIn(registries: readonly string[], field: string): string;
  /** What the definition says that a field means. */
  meaning(registry: string, field: string): LocalizedText | undefined;
  purpose(registry: string, code: string): string;
  /** A department, by its entity identifier. */
  party(entity: string): string;
}

export interface MeNamesDeps {
  readonly registries: Pick<RegistryService, "getCurrent">;
  /** What a department calls itself, as far as this node knows; asks nobody. */
  readonly nameParty: (entity: string) => Promise<string | undefined>;
}

/** What a definition says that its registry, fields and purposes are called. */
export interface KnownRegistry {
  readonly title: LocalizedText;
  /** By their full names. */
  readonly fields: ReadonlyMap<string, FieldView>;
  readonly purposes: readonly { readonly code: string; readonly title?: LocalizedText | undefined }[];
}

/** Set apart from the writing around it, whichever way that runs (Unicode FSI and PDI). */
export function isolate(text: string): string {
  return `\u2068${text}\u2069`;
}

/** `registries` and `parties`: those that the page speaks of. */
export async function readNames(
  deps: MeNamesDeps,
  about: { readonly registries: readonly string[]; readonly parties: readonly string[]; readonly reader: Reader },
): Promise<MeNames> {
  const { reader } = about;
  const known = new Map<string, KnownRegistry>();
  const parties = new Map<string, string>();
  await Promise.all([
    ...[...new Set(about.registries)].map(async (name) => {
      // One that was retired still stands in old looks.
      const compiled = await deps.registries.getCurrent(name).catch(() => undefined);
      if (!compiled) return;
      known.set(name, {
        title: compiled.definition.title,
        fields: nameFields(listFields(compiled)),
        purposes: compiled.disclosure.purposes,
      });
    }),
    ...[...new Set(about.parties)].map(async (entity) => {
      const name = await deps.nameParty(entity);
      parties.set(entity, name ?? entity.replace(/^https?:\/\//, ""));
    }),
  ]);
  return createMeNames({ known, parties, reader });
}

/** By its full name, each field and those within it. */
export function nameFields(fields: readonly FieldView[]): ReadonlyMap<string, FieldView> {
  return new Map(flattenFields(fields).map((field) => [field.name, field]));
}

/** `parties`: by entity identifier. Pure; runs in browsers, too. */
export function createMeNames(about: {
  readonly known: ReadonlyMap<string, KnownRegistry>;
  readonly parties: ReadonlyMap<string, string>;
  readonly reader: Reader;
}): MeNames {
  const { known, parties, reader } = about;
  const say = (text: LocalizedText): string => isolate(chooseText(text, reader).text);
  /** In a list of fields, one of a group must not look like two. */
  const sayField = (field: FieldView | undefined, name: string): string =>
    field === undefined ? isolate(name) : isolate(chooseText(field.fullTitle, reader).text.replaceAll(", ", " – "));
  return {
    registry: (registry) => say(known.get(registry)?.title ?? registry),
    field: (registry, field) => sayField(known.get(registry)?.fields.get(field), field),
    fieldIn(registries, field) {
      const found = registries
        .map((registry) => known.get(registry)?.fields.get(field))
        .find((one) => one !== undefined);
      return sayField(found, field);
    },
    meaning: (registry, field) => known.get(registry)?.fields.get(field)?.description,
    purpose(registry, code) {
      const purposes = known.get(registry)?.purposes ?? [];
      return say(purposes.find((one) => one.code === code)?.title ?? code);
    },
    party: (entity) => isolate(parties.get(entity) ?? entity),
  };
}
