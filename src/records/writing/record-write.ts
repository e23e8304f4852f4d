// What a write of a record is: everything that the log's transaction checks and stores, drafted and signed before. Pure.

import type { WriteApproval } from "../../approval/proposal.ts";
import type { KeyedDigest } from "../../crypto/key-generations.ts";
import type { HeldContent } from "../attachments/held-content.ts";
import type { RecordState, StatementOperation } from "../record-states.ts";
import type { IndexChange } from "../search/record-index.ts";
import type { StatusPlace } from "../status-index.ts";
import type { CounterAdvance } from "./counter-store.ts";
import type { Idempotency } from "./idempotency.ts";

export interface VersionDraft {
  readonly definitionVersion: number;
  readonly held: HeldContent;
  readonly jwt: string;
  readonly sealed: Uint8Array;
  /** Effective time, Unix seconds; undefined: without such an end. */
  readonly effectiveFrom: number | undefined;
  readonly effectiveUntil: number | undefined;
  readonly status: StatusPlace;
  readonly recordedAt: number;
}

interface WriteBase {
  readonly rid: string;
  readonly registry: string;
  readonly idempotency: Idempotency | undefined;
  /** Of a unit, that of the whole; its parts are then written with it. */
  readonly approval: WriteApproval;
}

export interface CreateWrite extends WriteBase {
  readonly kind: "create";
  /** Records that are replaced by this one in the same unit. */
  readonly succeeds?: ReadonlySet<string>;
  readonly identifier: string | undefined;
  /** Where the identifier is a number that a counter would come to. */
  readonly advance?: CounterAdvance;
  readonly sealedKey: Uint8Array;
  readonly index: IndexChange;
  /** The writer says why the record is no duplicate. */
  readonly isDistinct: boolean;
  readonly version: VersionDraft;
}

export interface AmendWrite extends WriteBase {
  readonly kind: "amend";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  readonly index: IndexChange;
  readonly isDistinct: boolean;
  /** Marks of likeness that what is amended has too, as `rowKey` gives them: by these nobody becomes more alike. */
  readonly alikeBefore: ReadonlySet<string>;
  readonly supersedes: StatusPlace;
  readonly version: VersionDraft;
}

/** What is destroyed with one former version, and with no other. */
export interface VersionErasure {
  readonly version: number;
  /** When the versions before and after it were recorded, Unix seconds: what was proposed of it was decided between. */
  readonly recordedFrom: number;
  readonly recordedUntil: number;
  /** Unique keys, in every generation, that the nearest version before it has, too, and the version in which that one ended; undefined: none is before it. */
  readonly keptKeys: { readonly until: number; readonly digests: readonly string[] } | undefined;
  /** Files that no other version of the record holds; and those that others hold, as the latest of them does. */
  readonly droppedFiles: readonly KeyedDigest[];
  readonly keptFiles: readonly { readonly key: KeyedDigest; readonly open: boolean }[];
}

export interface StateWrite extends WriteBase {
  readonly kind: "state";
  readonly expected: { readonly version: number; readonly stateNumber: number };
  /** By whose rules it was drafted. */
  readonly definitionVersion: number;
  readonly operation: StatementOperation;
  readonly state: RecordState;
  /** Since when the state holds, Unix seconds; 0: it was always so. */
  readonly effectiveAt: number;
  readonly statement: string;
  /** Log salt and disclosures of the statement. */
  readonly sealed: Uint8Array;
  /** The status of the current version, of the erased one, or of all versions. */
  readonly statusValue: number;
  readonly allVersions: boolean;
  readonly recordedAt: number;
  /** Of a replacement: this node's records that it names as successors, by rid. They must be active when it is made. */
  readonly successors?: readonly string[];
  /** Of an erasure, also of one version: keyed hashes of the person, who may want to be told. */
  readonly told?: readonly string[];
  /** Of an `erase_version`. */
  readonly erased?: VersionErasure;
  /** An erasure that was made before a backup was restored, and is made again: no hold stands against it. */
  readonly isReplay?: true;
}

/** A write of one log entry. */
export type SingleWrite = CreateWrite | AmendWrite | StateWrite;

/** Several writes, each with its log entry, that are made together or not at all; `rid`: the record that was asked about. */
export interface UnitWrite extends WriteBase {
  readonly kind: "unit";
  readonly parts: readonly SingleWrite[];
}

export type RecordWrite = SingleWrite | UnitWrite;

/** The writes of one entry that a write is made of. */
export function partsOf(write: RecordWrite): readonly SingleWrite[] {
  return write.kind === "unit" ? write.parts : [write];
}

/** The version that a write's record is at afterwards. */
export function versionAfter(write: RecordWrite): number {
  if (write.kind === "unit") return versionAfter(write.parts.findLast(({ rid }) => rid === write.rid)!);
  if (write.kind === "create") return 1;
  return write.kind === "amend" ? write.expected.version + 1 : write.expected.version;
}
