// Shows values of a record's data to people, each as its field's definition says. What a value holds is text, never markup.
import type { FC } from "hono/jsx";
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import { parseRecordUrl, parseReference } from "../records/record-url.ts";
import type { FieldView } from "./field-view.ts";
import { DayOrInstant, Localized, type PageFrame } from "./markup.tsx";
import { formatBytes, formatNumber } from "./reader-language.ts";
import { ENGLISH_VALUE_WORDS, type ValueWords } from "./value-words.ts";

/** What own records are called, by the URL they are referred to by. Others are named by where they are. */
export type RecordNames = ReadonlyMap<string, string>;

interface ValueProps {
  readonly field: FieldView;
  readonly value: Json;
  readonly frame: PageFrame;
  readonly names: RecordNames;
}

const wordsOf = ({ valueWords }: PageFrame): ValueWords => valueWords ?? ENGLISH_VALUE_WORDS;

/** Only what a browser opens as a page: a definition may allow any URI, and a record's writer is not the page's. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** The page of a record: an own one below this node's path, whatever name the reader reached it by. */
export function recordHref(href: string, frame: PageFrame): string {
  const address = parseRecordUrl(href);
  return address?.entity === frame.entity
    ? `${frame.basePath}/registries/${address.registry}/records/${address.rid}`
    : href;
}

export const RecordLink: FC<{ href: string; frame: PageFrame; names: RecordNames }> = ({ href, frame, names }) => {
  const address = parseRecordUrl(href);
  if (address === undefined) return <span dir="auto">{href}</span>;
  if (address.entity === frame.entity) {
    return (
      <a href={recordHref(href, frame)} dir="auto">
        {names.get(href) ?? wordsOf(frame).recordIn(address.registry)}
      </a>
    );
  }
  return (
    <>
      <a href={href} rel="noreferrer">
        {wordsOf(frame).recordIn(address.registry)}
      </a>{" "}
      <span class="soft">{wordsOf(frame).keptAt(address.entity.replace(/^https?:\/\//, ""))}</span>
    </>
  );
};

const ReferenceValue: FC<ValueProps> = ({ value, frame, names }) => {
  const reference = parseReference(value);
  if (reference === undefined) return <PlainValue value={value} />;
  return (
    <>
      <RecordLink href={reference.href} frame={frame} names={names} />
      {reference.version !== undefined && <span class="soft"> {wordsOf(frame).itsVersion(reference.version)}</span>}
    </>
  );
};

const AttachmentValue: FC<{ attachment: JsonObject; frame: PageFrame }> = ({ attachment, frame }) => {
  const { href, mediaType, bytes, name } = attachment;
  const about = [
    typeof mediaType === "string" ? mediaType : undefined,
    typeof bytes === "number" ? formatBytes(bytes, frame.reader) : undefined,
  ].filter((part) => part !== undefined);
  const text = typeof name === "string" ? name : wordsOf(frame).document;
  return (
    <>
      {typeof href === "string" && isWebAddress(href) ? (
        <a href={frame.fileHref?.(href) ?? href} rel="noreferrer" dir="auto">
          {text}
        </a>
      ) : (
        <span dir="auto">{text}</span>
      )}
      {about.length > 0 && <span class="soft"> ({about.join(", ")})</span>}
    </>
  );
};

/** A value without a definition, as text. */
const PlainValue: FC<{ value: Json }> = ({ value }) =>
  typeof value === "string" ? (
    <span class="text" dir="auto">
      {value}
    </span>
  ) : (
    <code>{JSON.stringify(value)}</code>
  );

const NumberValue: FC<{ value: number; field: FieldView; frame: PageFrame }> = ({ value, field, frame }) =>
  field.isCode ? (
    String(value)
  ) : (
    <span lang={frame.reader.locale} class="number">
      {formatNumber(value, frame.reader)}
    </span>
  );

const SimpleValue: FC<ValueProps> = ({ field, value, frame }) => {
  const label = field.labels.get(String(value));
  if (label !== undefined) {
    return (
      <>
        <Localized text={label} reader={frame.reader} /> <span class="soft">({String(value)})</span>
      </>
    );
  }
  if (typeof value === "boolean") return <>{value ? wordsOf(frame).yes : wordsOf(frame).no}</>;
  if (typeof value === "number") return <NumberValue value={value} field={field} frame={frame} />;
  if (typeof value !== "string") return <PlainValue value={value} />;
  if (field.kind === "day" || field.kind === "instant") return <DayOrInstant at={value} reader={frame.reader} />;
  if (field.kind === "address" && isWebAddress(value)) {
    return (
      <a href={value} rel="noreferrer nofollow" dir="auto">
        {value}
      </a>
    );
  }
  return <PlainValue value={value} />;
};

const ListValue: FC<ValueProps> = ({ field, value, frame, names }) => {
  const [element] = field.members;
  if (!Array.isArray(value)) return <PlainValue value={value} />;
  if (value.length === 0) return <Missing frame={frame} />;
  return (
    <ul class={element?.kind === "group" ? "plain groups" : "plain"}>
      {value.map((one) => (
        <li>
          {element === undefined ? (
            <PlainValue value={one} />
          ) : (
            <Value field={element} value={one} frame={frame} names={names} />
          )}
        </li>
      ))}
    </ul>
  );
};

/** Said in words where nothing is stated: an empty cell might as well be a fault. */
export const Missing: FC<{ frame?: PageFrame }> = ({ frame }) => (
  <span class="soft">{(frame?.valueWords ?? ENGLISH_VALUE_WORDS).notStated}</span>
);

export const Value: FC<ValueProps> = (props) => {
  const { field, value } = props;
  if (value === null || value === "") return <Missing frame={props.frame} />;
  if (field.kind === "reference") return <ReferenceValue {...props} />;
  if (field.kind === "attachment" && isJsonObject(value))
    return <AttachmentValue attachment={value} frame={props.frame} />;
  if (field.kind === "list") return <ListValue {...props} />;
  if (field.kind === "group" && isJsonObject(value))
    return <DataList fields={field.members} data={value} {...pickFrame(props)} />;
  return <SimpleValue {...props} />;
};

function pickFrame({ frame, names }: ValueProps): { frame: PageFrame; names: RecordNames } {
  return { frame, names };
}

const FieldNames: FC<{ fields: readonly FieldView[]; frame: PageFrame }> = ({ fields, frame }) => (
  <>
    {fields.map((field, index) => (
      <>
        {index > 0 && ", "}
        <Localized text={field.title} reader={frame.reader} />
      </>
    ))}
  </>
);

/** An object's members as terms and their descriptions; those without a value are named together at the end. */
export const DataList: FC<{
  fields: readonly FieldView[];
  data: JsonObject;
  frame: PageFrame;
  names: RecordNames;
  /** Whether the reader sees all fields, so that what is missing is not stated. */
  seesAll?: boolean | undefined;
  /** Whether what each field means stands beside it. */
  explains?: boolean | undefined;
}> = ({ fields, data, frame, names, seesAll = false, explains = false }) => {
  const known = new Set(fields.map(({ member }) => member));
  const stated = fields.filter(({ member }) => Object.hasOwn(data, member));
  const missing = fields.filter(({ member }) => !Object.hasOwn(data, member));
  const unknown = Object.entries(data).filter(([member]) => !known.has(member));
  const personal = missing.filter((field) => field.personal && !seesAll);
  const empty = missing.filter((field) => !personal.includes(field));
  return (
    <>
      <dl class="facts">
        {stated.map((field) => (
          <>
            <dt>
              <Localized text={field.title} reader={frame.reader} />
            </dt>
            <dd>
              <Value field={field} value={data[field.member]!} frame={frame} names={names} />
              {explains && field.description !== undefined && (
                <p class="soft small">
                  <Localized text={field.description} reader={frame.reader} />
                </p>
              )}
            </dd>
          </>
        ))}
        {unknown.map(([member, value]) => (
          <>
            <dt>{member}</dt>
            <dd>
              <PlainValue value={value} />
            </dd>
          </>
        ))}
      </dl>
      {empty.length > 0 && (
        <p class="soft">
          {wordsOf(frame).notStatedFields} <FieldNames fields={empty} frame={frame} />
        </p>
      )}
      {personal.length > 0 && (
        <p class="soft">
          {wordsOf(frame).personalFields} <FieldNames fields={personal} frame={frame} />
        </p>
      )}
    </>
  );
};

/** The URLs of own records that data refers to. */
export function listOwnReferences(fields: readonly FieldView[], data: Json | undefined, entity: string): string[] {
  if (!isJsonObject(data)) return [];
  return fields.flatMap((field) => referencesIn(field, data[field.member], entity));
}

function referencesIn(field: FieldView, value: Json | undefined, entity: string): string[] {
  if (field.kind === "reference") {
    const href = parseReference(value)?.href;
    return href !== undefined && parseRecordUrl(href)?.entity === entity ? [href] : [];
  }
  if (field.kind === "group") return listOwnReferences(field.members, value, entity);
  const [element] = field.members;
  if (element === undefined || !Array.isArray(value)) return [];
  return value.flatMap((one) => referencesIn(element, one, entity));
}
