// The audit that a node's operator makes from inside: both logs as anybody outside audits them, and then whether each entry of the access log has its event. Mends nothing.
import type { PublicKey } from "../crypto/keys.ts";
import { type AuditReport, auditLog, type LogSource } from "../log/audit.ts";
import { formatVerifierKey, parseVerifierKey } from "../log/note.ts";
import type { LogReader } from "../log/reader-service.ts";
import { parseTilePath } from "../log/tiles.ts";
import type { AccessAudit, AccessAuditService } from "./access-audit-service.ts";

export interface LocalAudit {
  /** Everything was read, and nothing is wrong. */
  readonly ok: boolean;
  /** False where a log could not be read to its end. */
  readonly complete: boolean;
  readonly records: AuditReport;
  readonly access: AuditReport;
  readonly events: AccessAudit;
}

export interface LocalAuditService {
  /** `previous`: signed notes of earlier checkpoints, by log. */
  audit(options: {
    previous?: Readonly<Record<string, string>>;
    onProgress?: (step: "records" | "access" | "events", done: number, of: number) => void;
  }): Promise<LocalAudit>;
}

/** A log's files out of the database, as they are served. */
function sourceOf(reader: LogReader): LogSource {
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const { level, index, width } = parseTilePath(path);
    return level === "entries" ? reader.bundle(index, width) : reader.tile(level, index, width);
  };
  return { checkpoint: () => reader.checkpoint(), tile: read, bundle: read };
}

export function createLocalAudit(deps: {
  records: { readonly reader: LogReader; readonly origin: string };
  access: { readonly reader: LogReader; readonly origin: string };
  accessAudit: Pick<AccessAuditService, "audit">;
  /** Log keys of the node, past ones too. */
  keys: () => readonly PublicKey[];
}): LocalAuditService {
  return {
    async audit({ previous = {}, onProgress }) {
      const auditOne = (step: "records" | "access") => {
        const { reader, origin } = deps[step];
        return auditLog(sourceOf(reader), {
          origin,
          verifiers: deps.keys().map(({ raw }) => parseVerifierKey(formatVerifierKey({ name: origin, raw }))),
          ...(previous[step] !== undefined && { previous: previous[step] }),
          onProgress: ({ entries, size }) => onProgress?.(step, entries, size),
        });
      };
      const records = await auditOne("records");
      const access = await auditOne("access");
      const size = access.tree?.size ?? 0;
      const events = await deps.accessAudit.audit({ size, onProgress: (done) => onProgress?.("events", done, size) });
      const complete = records.complete && access.complete;
      return { ok: records.ok && access.ok && events.ok, complete, records, access, events };
    },
  };
}
