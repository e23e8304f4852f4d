// What a reading of personal records by another node asks and gets, as the batch of records asks for it; disclosure/ decides. Types only.
import type { ErrorCode } from "../errors.ts";
import type { MemberNode } from "../identity/caller.ts";
import type { CompiledDefinition } from "../registries/compiled-definition.ts";
import type { RecordRow } from "./record-store.ts";

/** For what personal records are read, and on which basis, in the reader's own word: the home node checks it again. */
export interface ReadAccess {
  readonly purpose: string;
  /** The reader's number of the reading: the same again is the same reading, and uses nothing up twice. */
  readonly request_id: string;
  /** What the answer is bound to. */
  readonly nonce: string;
  /** Names of fields; all that the basis allows unless given. */
  readonly fields?: readonly string[];
  /** Ids of consents; without one, a law that the definition names. */
  readonly consents?: readonly string[];
  /** The reader's number of the matter, which the person is shown. */
  readonly case?: string;
}

export interface DisclosureItem {
  readonly registry: string;
  readonly rid: string;
  /** By today's definition. */
  readonly compiled: CompiledDefinition;
  /** The version that is asked for; undefined where there is none. */
  readonly row: RecordRow | undefined;
  /** The record is not in force: that alone is told. */
  readonly isStateOnly: boolean;
}

export type DisclosureOutcome =
  | {
      readonly disclosures: readonly string[];
      /** Binds the token to the reader (attestry-pres+jwt), with the receipt of the reading from the access log. */
      readonly presentation: { readonly token: string; readonly receipt: string };
    }
  | {
      readonly code: ErrorCode;
      readonly message: string;
      /** With `consent_required`: for which fields consent may be asked. */
      readonly fields: readonly string[];
    };

/** One outcome per item. Every record that is given is in the access log before this resolves. */
export type Disclose = (
  items: readonly DisclosureItem[],
  access: ReadAccess,
  caller: MemberNode,
) => Promise<readonly DisclosureOutcome[]>;
