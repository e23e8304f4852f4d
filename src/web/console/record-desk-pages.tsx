// `/console/registries/{name}/records/{rid}`: a record as staff see it, what may be done with it, its life, and two of its versions side by side. Permits nothing itself.
import { type Context, Hono } from "hono";
import type { FC } from "hono/jsx";
import { AttestryError, isAttestryError } from "../../errors.ts";
import { type Action, checkPermitted, isPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { PAGE_HISTORY_ENTRIES } from "../../limits.ts";
import type { HistoryPage } from "../../records/record-history-service.ts";
import { parseCoordinates } from "../../records/record-timeline.ts";
import type { RecordView } from "../../records/record-view.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { type FieldView, listFields } from "../field-view.ts";
import { Localized, Note, type PageFrame } from "../markup.tsx";
import { readFrame, readValues } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import { definitionVersionOf, findSince, readVersion } from "../record-pages.tsx";
import { DataSection, OtherTimeNote, SummarySection } from "../record-sections.tsx";
import { answerStaffPage, StaffPage } from "../staff-frame.tsx";
import { listHistoryReferences, TimelineSection } from "../timeline-section.tsx";
import { listOwnReferences, type RecordNames } from "../value.tsx";
import { BackupsWords } from "./backups-words.tsx";
import { type DeskDeps, deskFrame, recordPath, registryPath } from "./desk.ts";
import { DESK_STYLE } from "./desk-style.ts";
import { DoneNote } from "./done-note.tsx";
import { HoldsSection } from "./hold-page.tsx";
import { listPossibleChanges } from "./state-page.tsx";
import { VersionChoice, VersionComparison } from "./version-comparison.tsx";

interface PageProps {
  readonly compiled: CompiledDefinition;
  readonly session: Session;
  readonly frame: PageFrame;
  readonly path: string;
  readonly history: HistoryPage;
  readonly names: RecordNames;
  readonly fields: readonly FieldView[];
  /** Undefined of an erased record. */
  readonly view: RecordView | undefined;
  /** Whether it is the person's to write, to hold, and to lift holds on. */
  readonly mayWrite: boolean;
  readonly mayHold: boolean;
  readonly mayRelease: boolean;
  /** For how many days the node's backups are kept; undefined: it was not told. */
  readonly backupKeepDays: number | undefined;
  readonly done: string | undefined;
  readonly compared: { readonly left: RecordView; readonly right: RecordView } | undefined;
  readonly versionsMax: number;
}

const Tasks: FC<PageProps> = ({ history, path, view, mayWrite, mayHold }) => {
  const isErased = history.state === "erased";
  if (isErased || !(mayWrite || mayHold)) return null;
  const isOlder = view?.state === "superseded";
  const changes = mayWrite ? listPossibleChanges(history.state) : [];
  return (
    <nav aria-label="What you can do" class="space">
      <div class="tasks">
        {mayWrite && history.state === "active" && (
          <a class="button" href={`${path}/amend`}>
            Amend
          </a>
        )}
        {changes.map(({ operation, name }) => (
          <a class="button quiet" href={`${path}/${operation}`}>
            {name}
          </a>
        ))}
        {mayWrite && isOlder && (
          <a class="button quiet" href={`${path}/versions/${view.version}/erase`}>
            Erase this version
          </a>
        )}
        {mayHold && (
          <a class="button quiet" href={`${path}/hold`}>
            Hold
          </a>
        )}
      </div>
    </nav>
  );
};

const RecordPage: FC<PageProps> = (props) => {
  const { compiled, session, frame, history, fields, names, view, path, compared, versionsMax } = props;
  const { title, name, access } = compiled.definition;
  const isOlder = view?.state === "superseded";
  return (
    <StaffPage
      title={view?.display ?? "Erased record"}
      lead={
        <>
          Record in <Localized text={title} reader={frame.reader} />
          {access === "public" && view !== undefined && (
            <>
              {" · "}
              <a href={`${frame.basePath}/registries/${name}/records/${history.rid}`}>as everybody sees it</a>
            </>
          )}
        </>
      }
      crumbs={[
        { href: `${frame.basePath}/console`, text: "Your desk" },
        { href: registryPath(frame, name), text: <Localized text={title} reader={frame.reader} /> },
      ]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <DoneNote done={props.done} />
      {props.done === "version-erased" && <BackupsWords {...{ history, frame }} keepDays={props.backupKeepDays} />}
      <Tasks {...props} />
      {view === undefined ? (
        <Note title="What this record said was destroyed.">
          <p>That there was a record, and that it was erased, stays in the log.</p>
          <BackupsWords {...{ history, frame }} keepDays={props.backupKeepDays} />
        </Note>
      ) : (
        <>
          <OtherTimeNote view={view} fields={fields} names={names} frame={frame} isOlder={isOlder} base={path} />
          <HoldsSection holds={view.holds ?? []} path={path} mayRelease={props.mayRelease} frame={frame} />
          <SummarySection view={view} fields={fields} names={names} frame={frame} since={findSince(history, view)} />
          <DataSection view={view} fields={fields} names={names} frame={frame} seesAll={!view.withheld} />
          {versionsMax > 1 && (
            <VersionChoice path={path} versionsMax={versionsMax} compared={compared} frame={frame}>
              {compared && <VersionComparison {...compared} fields={fields} names={names} frame={frame} />}
            </VersionChoice>
          )}
        </>
      )}
      <TimelineSection page={history} fields={fields} names={names} frame={frame} base={path} />
    </StaffPage>
  );
};

export interface RecordDeskPagesDeps extends DeskDeps {
  readonly backupKeepDays: number | undefined;
}

export function createRecordDeskPages(deps: RecordDeskPagesDeps): Hono {
  const { names, registries, recordReads, recordHistory, recordNames } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();

  async function isWithin(
    session: Session,
    { compiled, rid, action }: { compiled: CompiledDefinition; rid: string; action: Action },
  ): Promise<boolean> {
    const { caller } = session;
    if (!isPermitted({ caller, action, registry: compiled.definition.name })) return false;
    try {
      await deps.sight.checkWithin({ caller, compiled, action, rid });
      return true;
    } catch (error) {
      if (isAttestryError(error, "permission_denied")) return false;
      throw error;
    }
  }

  /** The versions to compare: both or none. */
  function readPair(values: Readonly<Record<string, string>>): readonly [number, number] | undefined {
    const [left, right] = [readVersion(values.left), readVersion(values.right)];
    if (left === undefined && right === undefined) return undefined;
    if (left === undefined || right === undefined)
      throw new AttestryError("query_invalid", '"left" and "right" are given together: the versions to compare');
    return [left, right];
  }

  async function answerRecord(context: Context): Promise<Response> {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { caller } = session;
    const registry = context.req.param("registry") ?? "";
    const rid = context.req.param("rid") ?? "";
    checkPermitted({ caller, action: "record.inspect", registry });
    const frame = deskFrame(readFrame(context, deps), names);
    const languages = listLookupTags(frame.reader);
    const { values } = readValues(context);
    const version = readVersion(values.version);
    const at = parseCoordinates({ asOf: values.asOf, validAt: values.validAt });
    const pair = readPair(values);
    const asked = { caller, registry, rid, languages };
    const get = async (options: { version?: number; at?: typeof at } = {}) =>
      (await recordReads.get({ ...asked, ...options })).view;
    const compiled = await registries.getCurrent(registry);
    const history = await recordHistory.history({ ...asked, cursor: values.before, limit: PAGE_HISTORY_ENTRIES });
    const isErased = history.state === "erased";
    const view = isErased ? undefined : await get({ at, ...(version !== undefined && { version }) });
    const compared =
      isErased || pair === undefined
        ? undefined
        : { left: await get({ version: pair[0] }), right: await get({ version: pair[1] }) };
    const current = isErased || version === undefined ? view : await get();
    const shown = [view, compared?.left, compared?.right].filter((one) => one !== undefined);
    // Labels of the definitions that the versions were made under: today's may not have their fields any more.
    const versions = [...new Set(shown.map(definitionVersionOf))].toSorted((a, b) => b - a);
    const fields =
      versions.length === 0
        ? listFields(compiled)
        : mergeFields(await Promise.all(versions.map((one) => registries.getVersion(registry, one))));
    const hrefs = [
      ...shown.flatMap(({ data }) => listOwnReferences(fields, data, names)),
      ...(view?.replaces ?? []),
      ...(view?.replaced_by ?? []),
      ...listHistoryReferences(history, fields),
    ];
    const props: PageProps = {
      ...{ compiled, session, frame, history, fields, view, compared },
      path: recordPath(frame, { registry, rid }),
      names: await recordNames.findNames({ caller, hrefs, languages }),
      mayWrite: await isWithin(session, { compiled, rid, action: "record.write" }),
      mayHold: await isWithin(session, { compiled, rid, action: "record.hold" }),
      mayRelease: await isWithin(session, { compiled, rid, action: "record.release" }),
      backupKeepDays: deps.backupKeepDays,
      done: values.done,
      versionsMax: current?.version ?? 0,
    };
    return answerStaffPage(context, <RecordPage {...props} />);
  }

  pages.get("/console/registries/:registry/records/:rid", answerRecord);
  return pages;
}

/** The fields of the first, and those that only others have. */
function mergeFields(definitions: readonly CompiledDefinition[]): FieldView[] {
  const byName = new Map<string, FieldView>();
  for (const field of definitions.flatMap(listFields)) if (!byName.has(field.name)) byName.set(field.name, field);
  return [...byName.values()];
}
