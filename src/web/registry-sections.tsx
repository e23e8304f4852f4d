// The sections of a registry's pages: what it is, who reads it, what its records hold. Reads nothing, decides nothing.
import type { FC } from "hono/jsx";
import type { Access } from "../identity/permissions.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import { spellOut } from "../registries/field-texts.ts";
import { describeKind, type FieldView, flattenFields } from "./field-view.ts";
import { CardTable, Instant, Localized, Note, type PageFrame, ROLES, Section } from "./markup.tsx";
import { chooseText, formatNumber } from "./reader-language.ts";
import type { SearchGroup } from "./search-parameters.ts";

export const ACCESS_IN_WORDS: Readonly<Record<Access, string>> = {
  public: "Open: anyone may read these records, without signing in.",
  members: "For members: only departments of this federation may read these records.",
  consent: "Personal: read only with the consent of the person concerned, or where a law allows it.",
};

export const Retired: FC<{ compiled: CompiledDefinition; frame: PageFrame }> = ({ compiled, frame }) => {
  const { retired } = compiled.definition;
  if (retired === undefined) return null;
  return (
    <Note kind="warning" title="This registry is retired: it takes no new records. What is here stays readable.">
      {retired.reason !== undefined && (
        <p>
          <Localized text={retired.reason} reader={frame.reader} />
        </p>
      )}
      {retired.successor !== undefined && (
        <p>
          Continued in <a href={retired.successor}>{retired.successor}</a>
        </p>
      )}
    </Note>
  );
};

/** What somebody reads who may not see the records: what they are, who may ask, and how. */
export const NotPublic: FC<{ access: Exclude<Access, "public"> }> = ({ access }) => (
  <Section id="access" title="Who may read it">
    <Note title={ACCESS_IN_WORDS[access]}>
      {access === "members" ? (
        <p>
          A department of this federation asks with its own node, which signs the request. If you work for one, ask
          through its system, not through this page.
        </p>
      ) : (
        <>
          <p>
            No record of this registry is shown here, not even whether there is one about somebody. If a record is about
            you, ask this department in person: it knows what it holds about you and can give you a copy.
          </p>
          <p>
            An authority that needs a record for its task asks through its own node and names the law it acts under.
          </p>
        </>
      )}
    </Note>
  </Section>
);

/** More fields than these are counted rather than named. */
const NAMED_MAX = 5;

function describeSearch(groups: readonly SearchGroup[], frame: PageFrame): string {
  const titles = groups.map(({ title }) => chooseText(title, frame.reader).text);
  const more = titles.length - NAMED_MAX;
  const named = more > 1 ? [...titles.slice(0, NAMED_MAX), `${formatNumber(more, frame.reader)} more`] : titles;
  return new Intl.ListFormat("en", { type: "conjunction" }).format(named);
}

export interface RegistryFacts {
  readonly compiled: CompiledDefinition;
  /** Of a public registry only. */
  readonly recordCount: number | undefined;
  readonly groups: readonly SearchGroup[];
}

export const RegistryList: FC<{ registries: readonly RegistryFacts[]; frame: PageFrame }> = ({ registries, frame }) => (
  <ul class="cards">
    {registries.map(({ compiled, recordCount, groups }) => {
      const { name, title, description, access, retired } = compiled.definition;
      return (
        <li>
          <h2>
            <a href={`${frame.basePath}/registries/${name}`}>
              <Localized text={title} reader={frame.reader} />
            </a>
          </h2>
          {description !== undefined && (
            <p>
              <Localized text={description} reader={frame.reader} />
            </p>
          )}
          {recordCount !== undefined && (
            <p class="count">
              {formatNumber(recordCount, frame.reader)} <small>{recordCount === 1 ? "record" : "records"}</small>
            </p>
          )}
          <p class="soft">{ACCESS_IN_WORDS[access]}</p>
          {access === "public" && groups.length > 0 && (
            <p class="soft" dir="auto">
              Searched by {describeSearch(groups, frame)}
            </p>
          )}
          {retired !== undefined && <p class="soft">Retired: takes no new records.</p>}
        </li>
      );
    })}
  </ul>
);

function describeMarks(field: FieldView): string {
  const marks = [
    field.required ? "always stated" : undefined,
    field.unique ? "unique" : undefined,
    field.personal ? "personal: not shown to the public" : undefined,
  ].filter((mark) => mark !== undefined);
  return marks.join(", ");
}

function hasMeaning(field: FieldView): boolean {
  return field.description !== undefined || field.labels.size > 0;
}

const FieldRow: FC<{ field: FieldView; frame: PageFrame }> = ({ field, frame }) => (
  <tr {...ROLES.row}>
    <th {...ROLES.rowheader} scope="row">
      <Localized text={field.fullTitle} reader={frame.reader} /> <code>{field.name}</code>
    </th>
    <td {...ROLES.cell} data-label="Meaning" class={hasMeaning(field) ? "" : "empty"}>
      <div>
        {field.description !== undefined && <Localized text={field.description} reader={frame.reader} />}
        {field.labels.size > 0 && (
          <details>
            <summary>{formatNumber(field.labels.size, frame.reader)} values</summary>
            <dl class="codes">
              {[...field.labels].map(([code, text]) => (
                <>
                  <dt>{code}</dt>
                  <dd>
                    <Localized text={text} reader={frame.reader} />
                  </dd>
                </>
              ))}
            </dl>
          </details>
        )}
        {!hasMeaning(field) && <span class="soft">–</span>}
      </div>
    </td>
    <td {...ROLES.cell} data-label="Kind">
      <div>{describeKind(field)}</div>
    </td>
    <td {...ROLES.cell} data-label="Rules" class={describeMarks(field) === "" ? "empty" : ""}>
      <div>{describeMarks(field) || <span class="soft">–</span>}</div>
    </td>
  </tr>
);

export const FieldsSection: FC<{ fields: readonly FieldView[]; frame: PageFrame }> = ({ fields, frame }) => (
  <Section id="fields" title="What a record holds">
    <div class="scroll">
      <CardTable caption="Fields of a record" titles={["Field", "Meaning", "Kind", "Rules"]}>
        {flattenFields(fields).map((field) => (
          <FieldRow field={field} frame={frame} />
        ))}
      </CardTable>
    </div>
  </Section>
);

export interface DefinitionVersion {
  readonly version: number;
  readonly publishedAt: number;
}

export const VersionsSection: FC<{
  name: string;
  type: string;
  versions: readonly DefinitionVersion[];
  frame: PageFrame;
}> = ({ name, type, versions, frame }) => (
  <Section id="definition" title="Its definition">
    <p>
      The form of these records is published and signed too. A record stays readable under the version that it was made
      under.
    </p>
    <ul class="plain">
      {[...versions].reverse().map(({ version, publishedAt }) => (
        <li>
          <a href={`${frame.basePath}/registries/${name}/schema/${version}`}>
            Version {formatNumber(version, frame.reader)} (JSON)
          </a>{" "}
          <span class="soft">
            published <Instant at={new Date(publishedAt * 1_000).toISOString()} reader={frame.reader} />
          </span>
        </li>
      ))}
    </ul>
    <p class="soft">
      Registry type <code>{type}</code>
    </p>
  </Section>
);

/** The tables that a public registry is counted in. */
export const StatisticsSection: FC<{ compiled: CompiledDefinition; frame: PageFrame }> = ({ compiled, frame }) => {
  const { name, statistics = [] } = compiled.definition;
  if (statistics.length === 0) return null;
  return (
    <Section id="statistics" title="Numbers">
      <ul class="plain">
        {statistics.map((statistic) => (
          <li>
            <a href={`${frame.basePath}/registries/${name}/statistics/${statistic.name}`}>{spellOut(statistic.name)}</a>
          </li>
        ))}
      </ul>
    </Section>
  );
};

/** The questions that are answered by a signed yes or no, where there is more to ask than whether a record is there. */
export const AnswersSection: FC<{
  compiled: CompiledDefinition;
  fields: readonly FieldView[];
  frame: PageFrame;
}> = ({ compiled, fields, frame }) => {
  const { exists, matches, ages } = compiled.rules.answers;
  if (!exists && matches.length === 0 && ages.length === 0) return null;
  const titles = new Map(flattenFields(fields).map((field) => [field.name, field.fullTitle]));
  return (
    <Section id="answers" title="Yes or no">
      <p>
        Whoever needs to know only one thing about a record may ask for a signed yes or no, and show it to others. It
        says no more than that.
      </p>
      <ul class="plain">
        {exists && <li>Is there such a record, and is it in force?</li>}
        {matches.length > 0 && (
          <li>
            Does it say this:{" "}
            {matches.map(({ name }, at) => (
              <>
                {at > 0 && ", "}
                <Localized text={titles.get(name) ?? name} reader={frame.reader} />
              </>
            ))}
            ?
          </li>
        )}
        {ages.map(({ name, years }) => (
          <li>
            Is it {years.map((number) => formatNumber(number, frame.reader)).join(" or ")} years or more since:{" "}
            <Localized text={titles.get(name) ?? name} reader={frame.reader} />?
          </li>
        ))}
      </ul>
      {compiled.definition.access === "consent" && (
        <p>
          These records are about people: an answer takes a purpose and the person's consent, or a law, as a reading
          does, and the person sees who asked.
        </p>
      )}
      <p class="soft">
        Programs ask at <code>POST {frame.basePath}/answers</code>; <a href={`${frame.basePath}/docs`}>how</a>.
      </p>
    </Section>
  );
};
