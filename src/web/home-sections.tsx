// The sections of the page `/`, each from the view alone. Reads nothing, decides nothing.
import type { FC } from "hono/jsx";
import type { HomeView, RegistrySummary } from "./home-view.ts";
import { Localized, Section } from "./markup.tsx";
import { formatNumber, formatTime, type Reader } from "./reader-language.ts";
import { ACCESS_IN_WORDS } from "./registry-sections.tsx";

export interface SectionProps {
  readonly view: HomeView;
  readonly reader: Reader;
  readonly basePath: string;
}

const EntityList: FC<{ entities: readonly string[] }> = ({ entities }) => (
  <ul class="plain">
    {entities.map((entity) => (
      <li>
        <a href={entity}>{entity}</a>
      </li>
    ))}
  </ul>
);

export const AboutSection: FC<SectionProps> = ({ view, basePath }) => (
  <Section id="about" title="What this node is">
    <dl class="facts">
      <dt>Department</dt>
      <dd dir="auto">{view.organizationName}</dd>
      <dt>Entity identifier</dt>
      <dd>
        <code>{view.entity}</code>
      </dd>
      <dt>Who vouches for it</dt>
      <dd>
        {view.superiors.length > 0 ? (
          <>
            <EntityList entities={view.superiors} />
            <span class="soft">(as it says itself; what proves it is the superior's signed statement)</span>
          </>
        ) : (
          "Nobody above it: it names no superior. Others believe it only if they pinned its key themselves, as a trust anchor."
        )}
      </dd>
      {view.subordinates.length > 0 && (
        <>
          <dt>It vouches for</dt>
          <dd>
            <EntityList entities={view.subordinates} />
          </dd>
        </>
      )}
      <dt>The federation</dt>
      <dd>
        <a href={`${basePath}/federation`}>Who belongs to it</a>{" "}
        <span class="soft">(as far as this node keeps a directory)</span>
      </dd>
      <dt>Its own statement</dt>
      <dd>
        <a href={`${basePath}/.well-known/openid-federation`}>Signed entity configuration</a>{" "}
        <span class="soft">(keys, registry types, addresses)</span>
      </dd>
    </dl>
  </Section>
);

const RegistryCard: FC<{ registry: RegistrySummary; reader: Reader; basePath: string }> = (props) => {
  const { registry, reader, basePath } = props;
  const base = `${basePath}/registries/${registry.name}`;
  const heading = `registry-${registry.name}`;
  return (
    <li>
      <h3 id={heading}>
        <a href={base}>
          <Localized text={registry.title} reader={reader} />
        </a>
      </h3>
      {registry.recordCount !== undefined && (
        <p class="count">
          {formatNumber(registry.recordCount, reader)}{" "}
          <small>{registry.recordCount === 1 ? "record" : "records"}</small>
        </p>
      )}
      {registry.description !== undefined && (
        <p>
          <Localized text={registry.description} reader={reader} />
        </p>
      )}
      <p class="soft">
        Registry type <code>{registry.type}</code>, definition version {formatNumber(registry.version, reader)}
      </p>
      <p class="soft">{ACCESS_IN_WORDS[registry.access]}</p>
      <p class="links">
        {registry.access === "public" && (
          <a href={`${base}/records`} aria-describedby={heading}>
            Search the records
          </a>
        )}
        <a href={base} aria-describedby={heading}>
          About this registry
        </a>
      </p>
    </li>
  );
};

/** In place of what it holds, of a node that is to hold nothing. */
export const ConsumerSection: FC<SectionProps> = ({ view, reader, basePath }) => (
  <Section id="holdings" title="What it does">
    <p>
      Its staff check records of the federation's departments, and a signed report of each check is kept, without what
      the record says. It publishes no definitions and takes no records.
    </p>
    <p class="links">
      <a href={`${basePath}/console/check`}>Check a record (for staff)</a>
      <a href={`${basePath}/verify`}>Check a record yourself, in your browser</a>
    </p>
    {view.registries.length > 0 && (
      <>
        <p>It kept registries before, which can be read and no longer change:</p>
        <ul class="cards">
          {view.registries.map((registry) => (
            <RegistryCard registry={registry} reader={reader} basePath={basePath} />
          ))}
        </ul>
      </>
    )}
  </Section>
);

export const HoldingsSection: FC<SectionProps> = ({ view, reader, basePath }) => (
  <Section id="holdings" title="What it holds">
    {view.registries.length > 0 ? (
      <>
        <p>
          Every record is signed by this department and entered in its log. What a record refers to stays with the
          department that issued it.
        </p>
        <ul class="cards">
          {view.registries.map((registry) => (
            <RegistryCard registry={registry} reader={reader} basePath={basePath} />
          ))}
        </ul>
      </>
    ) : view.subordinates.length > 0 ? (
      <div class="note">
        <p>
          <strong>No records, by design.</strong> This node vouches for other departments and holds none of their data.
          Each department keeps its own records, so there is no central copy that could leak, be sold or be altered.
        </p>
      </div>
    ) : (
      <div class="note">
        <p>
          <strong>No registries yet.</strong> An operator of this department publishes a definition first, for example
          with <code>attestry registry publish</code>. A node that only vouches for others never needs one.
        </p>
      </div>
    )}
  </Section>
);

export const LogSection: FC<SectionProps> = ({ view, reader, basePath }) => {
  const { log } = view;
  return (
    <Section id="log" title="Its log">
      <p>
        Everything this department signs is entered here, and entries are only ever added: whoever kept an earlier
        checkpoint can prove it if one is changed or left out. The log names no person and no content; each entry is a
        commitment that only the holder of the record can open.
      </p>
      <dl class="facts">
        <dt>Entries</dt>
        <dd>{formatNumber(log.size, reader)}</dd>
        {log.lastEntryAt !== undefined && (
          <>
            <dt>Last entry</dt>
            <dd>
              <time lang={reader.locale} datetime={new Date(log.lastEntryAt * 1_000).toISOString()}>
                {formatTime(log.lastEntryAt, reader)}
              </time>{" "}
              <span class="soft">(by this node's own clock)</span>
            </dd>
          </>
        )}
        <dt>Root hash</dt>
        <dd>
          <code>{log.root}</code>
        </dd>
        <dt>Origin</dt>
        <dd>
          <code>{log.origin}</code>
        </dd>
        <dt>Signed state</dt>
        <dd>
          <a href={`${basePath}/log/records/checkpoint`}>Checkpoint</a>
        </dd>
      </dl>
    </Section>
  );
};

export const CheckSection: FC<SectionProps> = ({ view, basePath }) => (
  <Section id="check" title="Check it yourself">
    <p>
      Nothing on this page has to be believed. With the trust anchor's key, obtained from the anchor and not from here,
      anybody can check:
    </p>
    <ol class="steps">
      <li>
        <strong>The whole log</strong>, entry by entry, every hash recomputed:
        <pre>
          <code>{`attestry log audit ${view.entity} --anchors anchors.json`}</code>
        </pre>
      </li>
      <li>
        <strong>A record and what it refers to</strong>, at whichever department that lies:
        <pre>
          <code>attestry resolve RECORD_URL --follow FIELD --anchors anchors.json</code>
        </pre>
      </li>
      <li>
        <strong>A record without asking this node</strong>: its evidence file, at the record's address followed by{" "}
        <code>/evidence</code>, holds the signed record, its receipt from the log, its status and the statements that
        lead to the anchor.
        <pre>
          <code>attestry verify evidence.json --anchors anchors.json</code>
        </pre>
      </li>
      <li>
        <strong>A file, a link or a printed code, in your browser</strong>:{" "}
        <a href={`${basePath}/verify`}>check a record</a>, of this department or of any other.
      </li>
    </ol>
  </Section>
);

export const ProgramSection: FC<SectionProps> = ({ view, basePath }) => (
  <Section id="programs" title="For programs">
    <dl class="facts">
      <dt>The API, described</dt>
      <dd>
        <a href={`${basePath}/docs`}>for people</a>, and as an OpenAPI document:{" "}
        <a href={`${basePath}/openapi.json`}>
          <code>GET {basePath}/openapi.json</code>
        </a>
      </dd>
      {!view.isConsumer && (
        <>
          <dt>Registries</dt>
          <dd>
            <a href={`${basePath}/registries`}>
              <code>GET {basePath}/registries</code>
            </a>
          </dd>
          <dt>Records</dt>
          <dd>
            <code>
              GET {basePath}/registries/{"{name}"}/records?{"{field}={value}"}
            </code>
          </dd>
        </>
      )}
      <dt>Across departments</dt>
      <dd>
        <code>POST {basePath}/resolve</code> <span class="soft">(with a bearer token of this node)</span>
      </dd>
      <dt>Health</dt>
      <dd>
        <a href={`${basePath}/readyz`}>
          <code>GET {basePath}/readyz</code>
        </a>
      </dd>
      <dt>This page as JSON</dt>
      <dd>
        <code>GET {basePath === "" ? "/" : basePath}</code> with <code>Accept: application/json</code>
      </dd>
    </dl>
  </Section>
);
