// The page on which somebody confirms what is done with one record: its name, the way back, and what was wrong the last time. Decides nothing.
import type { FC, PropsWithChildren } from "hono/jsx";
import type { AttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { Localized, type PageFrame } from "../markup.tsx";
import { StaffPage } from "../staff-frame.tsx";
import { DESK_STYLE } from "./desk-style.ts";
import type { FormFault } from "./form-controls.ts";
import { FaultSummary } from "./form-summary.tsx";

interface RecordActPageProps {
  readonly model: {
    readonly compiled: CompiledDefinition;
    /** What the record is called. */
    readonly display: string;
    readonly error: AttestryError | undefined;
    readonly faults: readonly FormFault[];
  };
  /** What is done with it. */
  readonly name: string;
  /** The record's own page. */
  readonly back: string;
  readonly session: Session;
  readonly frame: PageFrame;
}

export const RecordActPage: FC<PropsWithChildren<RecordActPageProps>> = (props) => {
  const { name, back, session, frame, children } = props;
  const { compiled, display, error, faults } = props.model;
  const { title, name: registry } = compiled.definition;
  const base = `${frame.basePath}/console`;
  const registryTitle = <Localized text={title} reader={frame.reader} />;
  return (
    <StaffPage
      title={`${error === undefined ? "" : "Not done yet: "}${name} ${display}`}
      lead={<>Record in {registryTitle}</>}
      crumbs={[
        { href: base, text: "Your desk" },
        { href: `${base}/registries/${registry}`, text: registryTitle },
        { href: back, text: <span dir="auto">{display}</span> },
      ]}
      session={session}
      frame={frame}
      styles={[DESK_STYLE]}
    >
      <FaultSummary error={error} faults={faults} frame={frame} />
      {children}
    </StaffPage>
  );
};
