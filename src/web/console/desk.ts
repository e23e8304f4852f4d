// What the staff pages of registries and records share: what they use, their addresses, what comes after a write. Decides no permission.
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { isProposed, type Proposed } from "../../approval/proposal-book-service.ts";
import type { AttestryError } from "../../errors.ts";
import type { SessionService } from "../../identity/session-service.ts";
import type { RecordHistoryService } from "../../records/record-history-service.ts";
import type { RecordNamesService } from "../../records/record-names-service.ts";
import type { RecordReadService } from "../../records/record-read-service.ts";
import type { RecordSight } from "../../records/record-sight.ts";
import type { TaggedView } from "../../records/record-viewer.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { PageFrame } from "../markup.tsx";

export interface DeskDeps {
  /** Where this node is reached; its sessions are of this address. */
  readonly entity: string;
  /** The name that this node's records have. */
  readonly names: string;
  readonly basePath: string;
  readonly organizationName: string;
  readonly sessions: SessionService;
  readonly registries: Pick<RegistryService, "list" | "getCurrent" | "getVersion" | "listVersions">;
  readonly recordReads: Pick<RecordReadService, "get">;
  readonly recordHistory: RecordHistoryService;
  readonly recordNames: RecordNamesService;
  readonly sight: Pick<RecordSight, "checkWithin">;
}

export function registryPath({ basePath }: Pick<PageFrame, "basePath">, registry: string): string {
  return `${basePath}/console/registries/${registry}`;
}

export function recordPath(frame: Pick<PageFrame, "basePath">, of: { registry: string; rid: string }): string {
  return `${registryPath(frame, of.registry)}/records/${of.rid}`;
}

export function proposalPath({ basePath }: Pick<PageFrame, "basePath">, { id }: { readonly id: string }): string {
  return `${basePath}/console/proposals/${id}`;
}

/** Own files are opened by session: those of registries that are not public are open to no stranger. */
export function deskFrame(frame: PageFrame, names: string): PageFrame {
  const { basePath } = frame;
  const own = `${names}/registries/`;
  return {
    ...frame,
    entity: names,
    fileHref: (href) => (href.startsWith(own) ? `${basePath}/console/registries/${href.slice(own.length)}` : href),
  };
}

/** What was done, as the page that comes next says it. */
export type Done =
  | "created"
  | "amended"
  | "suspended"
  | "reinstated"
  | "revoked"
  | "ended"
  | "erased"
  | "version-erased"
  | "held"
  | "released"
  | "proposed";

type Written = Pick<TaggedView, "view"> | { readonly registry: string; readonly rid: string } | Proposed;

/** Where somebody is led after a write, or after what others must approve first. The one place that decides it. */
export function followWrite(
  context: Context,
  written: Written,
  { basePath, done }: { basePath: string; done: Done },
): Response {
  const lead = (path: string, told: Done) => context.redirect(`${path}?done=${told}`, 303);
  if (isProposed(written)) return lead(proposalPath({ basePath }, written.proposal), "proposed");
  const { registry, rid } = "view" in written ? written.view : written;
  return lead(recordPath({ basePath }, { registry, rid }), done);
}

/** Whether what is written is signed only once others have approved it. */
export function needsApproval({ definition }: Pick<CompiledDefinition, "definition">): boolean {
  return (definition.approval?.length ?? 0) > 0;
}

const CONFLICTS = ["record_held", "value_not_unique", "possible_duplicate", "idempotency_key_reused", "state_conflict"];

/** The status of a form that comes back for this. */
export function answerFault({ code }: AttestryError): ContentfulStatusCode {
  if (code === "peer_unreachable" || code === "log_overloaded") return 503;
  return CONFLICTS.includes(code) ? 409 : 422;
}
