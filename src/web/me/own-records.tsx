// A citizen's records as cards: what each says, and what each of its fields means. Reads nothing.
import type { FC } from "hono/jsx";
import type { RecordView } from "../../records/record-view.ts";
import type { FieldView } from "../field-view.ts";
import { Section } from "../markup.tsx";
import { formatAddress } from "../page-request.ts";
import { formatDay } from "../reader-language.ts";
import { DataList, type RecordNames } from "../value.tsx";
import type { MeFrame } from "./me-frame.tsx";
import { isolate } from "./me-names.ts";

export interface ShownRecord {
  readonly view: RecordView;
  readonly registryTitle: string;
  readonly fields: readonly FieldView[];
}

const KeptNotes: FC<{ view: RecordView; frame: MeFrame }> = ({ view, frame }) => (
  <>
    {(view.holds ?? []).map(({ until, reason, reason_text: text, instrument }) => (
      <p>
        {frame.texts.home.kept(
          until === undefined ? undefined : formatDay(until.slice(0, 10), frame.reader),
          [text ?? reason, instrument].flatMap((one) => (one === undefined ? [] : [isolate(one)])).join(", "),
        )}
      </p>
    ))}
  </>
);

const RecordCard: FC<{ record: ShownRecord; names: RecordNames; frame: MeFrame }> = ({ record, names, frame }) => {
  const { view, registryTitle, fields } = record;
  const { texts, basePath } = frame;
  const id = `record-${view.rid}`;
  const name = (view.identifier ?? view.rid).replaceAll(/[^A-Za-z0-9.-]+/g, "-").slice(0, 80);
  return (
    <section class="record" aria-labelledby={id}>
      <h3 id={id}>
        <span dir="auto">{view.display}</span>
      </h3>
      <p class="soft">
        {registryTitle}{" "}
        <span class={view.state === "active" ? "badge" : "badge careful"}>
          {texts.recordStates[view.state] ?? view.state}
        </span>
      </p>
      <KeptNotes view={view} frame={frame} />
      <DataList fields={fields} data={view.data} frame={frame} names={names} seesAll={true} explains={true} />
      <p>
        <a
          href={`${basePath}/me/records/${view.registry}/${view.rid}/evidence`}
          download={`${view.registry}-${name}-v${view.version}-evidence.json`}
        >
          {texts.home.evidence}
          <span class="unseen"> – {view.display}</span>
        </a>{" "}
        <span class="soft small">{texts.home.evidenceHelp}</span>
      </p>
      {view.state === "active" && (
        <p>
          <a href={formatAddress(`${basePath}/me/share/new`, { registry: view.registry, rid: view.rid })}>
            {texts.share.ofRecord}
            <span class="unseen"> – {view.display}</span>
          </a>
        </p>
      )}
      <p>
        <a href={formatAddress(`${basePath}/me/questions/new`, { registry: view.registry, rid: view.rid })}>
          {texts.questions.correctRecord}
          <span class="unseen"> – {view.display}</span>
        </a>
      </p>
    </section>
  );
};

export const OwnRecordsSection: FC<{
  records: readonly ShownRecord[];
  names: RecordNames;
  frame: MeFrame;
  backupKeepDays: number | undefined;
}> = ({ records, names, frame, backupKeepDays }) => (
  <Section id="records" title={frame.texts.home.records}>
    {records.map((record) => (
      <RecordCard record={record} names={names} frame={frame} />
    ))}
    <p class="soft small">{frame.texts.home.backups(backupKeepDays)}</p>
  </Section>
);
