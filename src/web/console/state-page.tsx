// The confirmation of a change of a record's state: what it means, since when, on which ground. From its model alone; decides nothing.
import type { FC } from "hono/jsx";
import type { AttestryError } from "../../errors.ts";
import { isAttestryError } from "../../errors.ts";
import type { Session } from "../../identity/session-service.ts";
import { nextState, OPERATION_EFFECTS, type StateOperation } from "../../records/record-states.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import { Note, type PageFrame, Section } from "../markup.tsx";
import { FORM_TOKEN } from "../page-session.ts";
import { ActFields, DayField, type EnvelopeContext, type EnvelopeValues } from "./act-fields.tsx";
import { type Done, needsApproval } from "./desk.ts";
import type { FormFault } from "./form-controls.ts";
import { RecordActPage } from "./record-act-page.tsx";

/** What a page offers; to replace records others are written, which is done by the API. */
export type OfferedOperation = Exclude<StateOperation, "replace">;
/** Beside these, of one former version. */
type Confirmed = OfferedOperation | "erase_version";

interface OperationWords {
  readonly name: string;
  readonly meaning: string;
  readonly done: Done;
}

const ERASE_VERSION: OperationWords = {
  name: "Erase a version of",
  meaning:
    "For a version that was wrong, such as one about another person. What it says is destroyed in this register, now and for ever. This cannot be undone. The record, and what its other versions say, stays as it is, also where they say the same. Consumers that were given fields of it are told to destroy them.",
  done: "version-erased",
};

export const OPERATIONS: Readonly<Record<OfferedOperation, OperationWords>> = {
  suspend: {
    name: "Suspend",
    meaning: "It is not to be relied on for the time being. It can be reinstated.",
    done: "suspended",
  },
  reinstate: { name: "Reinstate", meaning: "It is in force again.", done: "reinstated" },
  end: {
    name: "End",
    meaning:
      "It was right, and what it records is over, as by death or dissolution. What it said until then stays true. An ended record is not opened again.",
    done: "ended",
  },
  revoke: {
    name: "Revoke",
    meaning:
      "It was wrong and never should have been: all its versions become invalid, for all time. This cannot be undone. To mend a mistake, amend the record instead.",
    done: "revoked",
  },
  erase: {
    name: "Erase",
    meaning:
      "What it says is destroyed in this register, now and for ever: its data, its keys and its signed texts. This cannot be undone. Copies that others were given are theirs. That there was a record and that it was erased stays in the log.",
    done: "erased",
  },
};

export const wordsOf = (operation: Confirmed): OperationWords =>
  operation === "erase_version" ? ERASE_VERSION : OPERATIONS[operation];

const TITLES: Partial<Record<Confirmed, string>> = {
  erase: "This destroys the record.",
  erase_version: "This destroys one version of the record.",
};

export function isOffered(text: string): text is OfferedOperation {
  return Object.hasOwn(OPERATIONS, text);
}

function isPossible(state: string, operation: StateOperation): boolean {
  try {
    nextState(state, operation);
    return true;
  } catch (error) {
    if (isAttestryError(error)) return false;
    throw error;
  }
}

/** The operations that a record in this state allows. */
export function listPossibleChanges(state: string): { operation: OfferedOperation; name: string }[] {
  return Object.entries(OPERATIONS).flatMap(([name, words]) =>
    isOffered(name) && isPossible(state, name) ? [{ operation: name, name: words.name }] : [],
  );
}

export interface StatePageModel {
  readonly compiled: CompiledDefinition;
  readonly operation: Confirmed;
  /** Of an `erase_version`. */
  readonly version?: number;
  readonly display: string;
  readonly envelope: EnvelopeValues;
  readonly key: string;
  readonly expected: string;
  readonly error: AttestryError | undefined;
  readonly faults: readonly FormFault[];
}

export const StateConfirmation: FC<{
  model: StatePageModel;
  session: Session;
  frame: PageFrame;
  action: string;
  back: string;
}> = ({ model, session, frame, action, back }) => {
  const { compiled, operation } = model;
  const { name, meaning } = wordsOf(operation);
  const faults = new Map(
    model.faults.flatMap((one) => (one.pointer === undefined ? [] : [[one.pointer, one.message]])),
  );
  const context: EnvelopeContext = { compiled, frame, values: model.envelope, faults };
  const isErasure = operation === "erase" || operation === "erase_version";
  const isFinal = isErasure || operation === "revoke";
  const what = operation === "erase_version" ? `Erase version ${model.version}` : `${name} this record`;
  return (
    <RecordActPage model={model} name={name} back={back} session={session} frame={frame}>
      <Section id="confirm" title="What this does">
        {isFinal ? (
          <Note kind="warning" title={TITLES[operation]}>
            <p>{meaning}</p>
          </Note>
        ) : (
          <p>{meaning}</p>
        )}
        <form method="post" action={action} class="record">
          <input type="hidden" name={FORM_TOKEN} value={session.formToken} />
          <input type="hidden" name="key" value={model.key} />
          <input type="hidden" name="expected" value={model.expected} />
          {operation !== "erase_version" && OPERATION_EFFECTS[operation].isTimed && (
            <DayField
              pointer="/effective"
              label="Since when"
              help="The day from which it holds. Leave it empty if it holds from this moment on."
              context={context}
            />
          )}
          <ActFields operation={operation} context={context} />
          {isErasure && (
            <p class="soft">Write no name and nothing personal here: what is said of an erasure outlives the record.</p>
          )}
          {needsApproval(compiled) && (
            <p class="soft">In this registry others approve first. Until then nothing is changed.</p>
          )}
          <p class="buttons">
            <button type="submit" class={isFinal ? "danger" : ""}>
              {needsApproval(compiled) ? `Propose to ${what.charAt(0).toLowerCase()}${what.slice(1)}` : what}
            </button>
            <a href={back}>Back without changing anything</a>
          </p>
        </form>
      </Section>
    </RecordActPage>
  );
};
