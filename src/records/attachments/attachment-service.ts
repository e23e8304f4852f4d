// Files that records hold: taken in, sealed each under a key of its own, and given to whom the record's field is open.

import { encodeBase64url } from "../../crypto/base64.ts";
import { sha256 } from "../../crypto/hash.ts";
import type { KeyedDigest, KeyGenerations } from "../../crypto/key-generations.ts";
import { AttestryError, isAttestryError } from "../../errors.ts";
import type { Caller } from "../../identity/caller.ts";
import { checkPermitted, isPermitted } from "../../identity/permissions.ts";
import { ATTACHMENT_NAME_CHARS_MAX, ATTACHMENTS_UNHELD_MAX } from "../../limits.ts";
import type { Logger } from "../../logger.ts";
import { isOfMediaType } from "../../registries/attachment-types.ts";
import {
  type Attachment,
  attachmentsIn,
  attachmentUrl,
  isAttachmentDigest,
} from "../../registries/attachment-value.ts";
import type { CompiledDefinition } from "../../registries/compiled-definition.ts";
import type { RegistryService } from "../../registries/registry-service.ts";
import type { Database } from "../../storage/database.ts";
import { findProposed, findShown, type LogReadings } from "../record-readings.ts";
import type { RecordSight } from "../record-sight.ts";
import { findRecords } from "../record-store.ts";
import type { RecordViewer } from "../record-viewer.ts";
import type { AttachmentSealer } from "./attachment-sealer.ts";
import * as store from "./attachment-store.ts";
import { attachmentKey } from "./held-content.ts";

export interface AttachmentContent {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  /** As it was uploaded under, if it was given; a text of strangers. */
  readonly name: string | undefined;
  /** Whether everybody may read it. */
  readonly isOpen: boolean;
}

export interface AttachmentService {
  /** Stores a file until a record holds it. Throws `content_type_unsupported`, `body_too_large`, `attachment_invalid`, `too_many_items`. */
  upload(options: {
    caller: Caller;
    registry: string;
    mediaType: string;
    /** As which it is handed out again. */
    name: string | undefined;
    bytes: Uint8Array;
  }): Promise<Attachment>;
  /** Throws `attachment_unknown`, also where the caller may not know of it; `attachment_corrupt`. */
  read(options: { caller: Caller; registry: string; digest: string }): Promise<AttachmentContent>;
}

export function createAttachmentService(deps: {
  entity: string;
  database: Database;
  registries: RegistryService;
  sight: RecordSight;
  searchKey: KeyGenerations;
  sealer: AttachmentSealer;
  clock: () => number;
  logger: Logger;
  viewer: RecordViewer;
  logReadings: LogReadings;
}): AttachmentService {
  const { entity, database, registries, searchKey, sealer } = deps;

  /** Whether the caller may inspect a record that holds the file; who is bound to no part of the registry also sees what none holds yet. */
  async function isInspected(
    who: { caller: Caller; compiled: CompiledDefinition },
    key: KeyedDigest,
  ): Promise<boolean> {
    const { caller, compiled } = who;
    if (!isPermitted({ caller, action: "record.inspect", registry: compiled.definition.name })) return false;
    if (deps.sight.describe({ ...who, personal: true }).within === undefined) return true;
    return (await deps.sight.findInspected({ ...who, rids: await store.listHolders(database, key) })).size > 0;
  }

  /** As a reading of every record that the caller may inspect and that holds the file, or once held it, in a personal field. */
  async function note(
    who: { caller: Caller; compiled: CompiledDefinition },
    file: { key: KeyedDigest; digest: string },
  ) {
    const { compiled } = who;
    const rids = await store.listHolders(database, file.key);
    const [rows, inspected] = await Promise.all([
      findRecords(database, rids),
      deps.sight.findInspected({ ...who, rids }),
    ]);
    const personal = compiled.annotations.attachments.filter((field) => field.personal).map(({ path }) => nameOf(path));
    const shown = [...rows.values()].flatMap((row) => {
      if (!inspected.has(row.record.rid) || row.record.sealedKey === null) return [];
      const view = deps.viewer.view(row, compiled, true);
      const held = attachmentsIn(view.data, compiled.annotations).filter(
        ({ attachment }) => attachment.digest === file.digest,
      );
      const fields = held.map(({ field }) => nameOf(field.path));
      const now = findShown(view, compiled, fields);
      if (now !== undefined) return [{ ...now, fields }];
      if (held.length > 0 || personal.length === 0) return [];
      // Of an earlier version: which field it was is not looked up.
      const whose = findProposed({ ...view, data: view.data }, compiled);
      return whose ? [{ ...whose, version: view.version, fields: personal }] : [];
    });
    await deps.logReadings(shown, who.caller, "attachment");
  }

  return {
    async upload({ caller, registry, mediaType, name, bytes }) {
      checkPermitted({ caller, action: "record.write", registry });
      const { attachments } = (await registries.getCurrent(registry)).annotations;
      if (attachments.length === 0)
        throw new AttestryError(
          "attachment_invalid",
          `records of "${registry}" hold no files: no field is marked x-attachment`,
        );
      const allowed = attachments.filter(({ mediaTypes }) => mediaTypes.includes(mediaType));
      if (allowed.length === 0) {
        const types = [...new Set(attachments.flatMap(({ mediaTypes }) => mediaTypes))].join(", ");
        throw new AttestryError("content_type_unsupported", `the Content-Type must be one of ${types}`);
      }
      const waiting = await store.countUnheld(database, { registry, max: ATTACHMENTS_UNHELD_MAX });
      if (waiting >= ATTACHMENTS_UNHELD_MAX)
        throw new AttestryError(
          "too_many_items",
          `${ATTACHMENTS_UNHELD_MAX} files of "${registry}" wait to be held by a record; write the records first`,
        );
      const bytesMax = Math.max(...allowed.map((field) => field.bytesMax));
      if (bytes.length > bytesMax)
        throw new AttestryError(
          "body_too_large",
          `the file has ${bytes.length} bytes; at most ${bytesMax} are allowed`,
        );
      if (!isOfMediaType(bytes, mediaType))
        throw new AttestryError("attachment_invalid", `the bytes are no ${mediaType}; nothing was stored`);
      if (name !== undefined && (name === "" || name.length > ATTACHMENT_NAME_CHARS_MAX || /\p{C}/u.test(name)))
        throw new AttestryError(
          "query_invalid",
          `name must be a printable text of 1 to ${ATTACHMENT_NAME_CHARS_MAX} characters`,
        );
      const digest = encodeBase64url(sha256(bytes));
      const { digest: key, formerly } = attachmentKey({ searchKey, registry, digest });
      const createdAt = deps.clock();
      const known =
        formerly === undefined ? undefined : await store.keepAttachment(database, { key: formerly, createdAt });
      const file = { key, registry, mediaType, bytes, name };
      const stored = known ?? (await store.storeAttachment(database, { ...sealer.seal(file), createdAt }));
      if (stored.mediaType !== mediaType)
        throw new AttestryError(
          "attachment_invalid",
          `these bytes are stored as ${stored.mediaType} already; refer to them as that`,
        );
      return { digest, mediaType, bytes: bytes.length, href: attachmentUrl({ entity, registry, digest }) };
    },

    async read({ caller, registry, digest }) {
      const compiled = await registries.getCurrent(registry);
      const { access } = compiled.definition;
      // Before anything is looked up: nobody else learns whether a registry that is not public has a file.
      checkPermitted({ caller, action: "record.read", registry, access });
      const key = attachmentKey({ searchKey, registry, digest });
      const isOpen = access === "public" && (await store.isHeldOpenly(database, key));
      const mayKnow = isOpen || (await isInspected({ caller, compiled }, key));
      const stored = mayKnow && isAttachmentDigest(digest) ? await store.findAttachment(database, key) : undefined;
      if (!stored)
        throw new AttestryError(
          "attachment_unknown",
          `"${registry}" has no file of this digest that is open to you; staff send their bearer token`,
        );
      if (!isOpen) await note({ caller, compiled }, { key, digest });
      try {
        return { ...sealer.open(stored, digest), mediaType: stored.mediaType, isOpen };
      } catch (cause) {
        if (!isAttestryError(cause)) throw cause;
        deps.logger.error(
          { registry, attachment: key.digest },
          "a stored file is not what was stored; restore it from a backup",
        );
        throw new AttestryError("attachment_corrupt", "the stored file is damaged and was not given out", { cause });
      }
    },
  };
}

/** A field by its name: what stands in a list is named by the list. */
const nameOf = (path: readonly string[]): string => path.filter((name) => name !== "*").join(".");
