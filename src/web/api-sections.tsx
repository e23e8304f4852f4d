// The sections of the page that describes the API, each from the view alone. Reads nothing.
import type { FC } from "hono/jsx";
import type { ApiView, FieldLine, MediaView, OperationView, TypeWords } from "./api-view.ts";
import { Section } from "./markup.tsx";

const TOKEN_WORDS = {
  none: "Anyone may call it.",
  optional: "Without a token it shows what is public; with one, what the token's role may see.",
  required: "It needs a bearer token of this node's staff.",
} as const;

/** A text of the document, in which backticks stand for code. */
export const Words: FC<{ text: string }> = ({ text }) => (
  <>{text.split("`").map((part, at) => (at % 2 === 1 ? <code>{part}</code> : part))}</>
);

/** Scrolled by keyboard, too. */
const Example: FC<{ text: string; label: string }> = ({ text, label }) => (
  <section class="example" tabindex={0} aria-label={label}>
    <pre>
      <code>{text}</code>
    </pre>
  </section>
);

const Type: FC<{ type: TypeWords }> = ({ type }) => (
  <>{type.map(({ text, schema }) => (schema === undefined ? text : <a href={`#schema-${schema}`}>{text}</a>))}</>
);

const Fields: FC<{ fields: readonly (FieldLine & { place?: string })[]; label: string }> = ({ fields, label }) => (
  <dl class="facts api" aria-label={label}>
    {fields.map(({ name, place, type, required, description }) => (
      <>
        <dt>
          <code>{name}</code>
          {required && <span> required</span>}
        </dt>
        <dd>
          <span class="soft">
            {place !== undefined && `${place}, `}
            <Type type={type} />
          </span>
          {description !== "" && (
            <div dir="auto">
              <Words text={description} />
            </div>
          )}
        </dd>
      </>
    ))}
  </dl>
);

const Media: FC<{ media: readonly MediaView[]; label: string }> = ({ media, label }) => (
  <>
    {media.map(({ mediaType, type, example }, at) => (
      <>
        <p>
          <code>{mediaType}</code>: <Type type={type} />
        </p>
        {/* Bodies of several media types have one example between them. */}
        {example !== undefined && example !== media[at - 1]?.example && (
          <Example text={example} label={`Example: ${label}`} />
        )}
      </>
    ))}
  </>
);

const Operation: FC<{ operation: OperationView }> = ({ operation }) => (
  <details class="operation">
    <summary>
      <span class={`method ${operation.method.toLowerCase()}`}>{operation.method}</span> <code>{operation.path}</code>
      <span class="what" dir="auto">
        {operation.summary}
      </span>
    </summary>
    {/* Within, so that a link to it opens it: browsers open what holds their target. */}
    <div id={operation.id} class="within" />
    {operation.description !== "" && (
      <p>
        <Words text={operation.description} />
      </p>
    )}
    <p class="soft">{TOKEN_WORDS[operation.token]}</p>
    <Example text={operation.command} label={`Request: ${operation.summary}`} />
    {operation.parameters.length > 0 && (
      <>
        <h4>Parameters</h4>
        <Fields fields={operation.parameters} label={`Parameters: ${operation.summary}`} />
      </>
    )}
    {operation.body.length > 0 && (
      <>
        <h4>Body</h4>
        <Media media={operation.body} label={`body, ${operation.summary}`} />
      </>
    )}
    <h4>Answers</h4>
    {operation.answers.map(({ status, description, media }) => (
      <>
        <p>
          <strong>{status}</strong> <Words text={description} />
        </p>
        <Media media={media} label={`${status}, ${operation.summary}`} />
      </>
    ))}
    {operation.errors.length > 0 && (
      <>
        <h4>Errors</h4>
        <ul class="plain">
          {operation.errors.map(({ status, codes }) => (
            <li>
              <strong>{status}</strong>{" "}
              {codes.map((code) => (
                <>
                  <a href={`#error-${code}`}>
                    <code>{code}</code>
                  </a>{" "}
                </>
              ))}
            </li>
          ))}
        </ul>
      </>
    )}
  </details>
);

function groupId(name: string): string {
  return `group-${name.toLowerCase().replaceAll(" ", "-")}`;
}

export const Contents: FC<{ view: ApiView }> = ({ view }) => (
  <nav aria-label="On this page" class="links">
    {view.groups.map(({ name }) => (
      <a href={`#${groupId(name)}`}>{name}</a>
    ))}
    <a href="#schemas">Schemas</a>
    <a href="#errors">Errors</a>
  </nav>
);

export const OperationSections: FC<{ view: ApiView }> = ({ view }) => (
  <>
    {view.groups.map(({ name, description, operations }) => (
      <Section id={groupId(name)} title={name}>
        <p class="soft">{description}</p>
        {operations.map((operation) => (
          <Operation operation={operation} />
        ))}
      </Section>
    ))}
  </>
);

export const SchemaSection: FC<{ view: ApiView }> = ({ view }) => (
  <Section id="schemas" title="Schemas">
    {view.schemas.map(({ name, description, type, fields }) => (
      <details class="operation">
        <summary>
          <code>{name}</code>
          <span class="what" dir="auto">
            <Words text={description} />
          </span>
        </summary>
        <div id={`schema-${name}`} class="within" />
        {fields.length > 0 ? (
          <Fields fields={fields} label={`Members: ${name}`} />
        ) : (
          <p>
            <Type type={type} />
          </p>
        )}
      </details>
    ))}
  </Section>
);

export const ProblemSection: FC<{ view: ApiView }> = ({ view }) => (
  <Section id="errors" title="Errors">
    <p>
      Problem details (RFC 9457): <code>code</code> says what went wrong and does not change, <code>detail</code> says
      it for people, <code>errors</code> names each fault by its place.
    </p>
    <dl class="facts api">
      {view.problems.map(({ code, status, meaning }) => (
        <>
          <dt id={`error-${code}`}>
            <code>{code}</code> <span>{status}</span>
          </dt>
          <dd>
            <Words text={meaning} />
          </dd>
        </>
      ))}
    </dl>
  </Section>
);
