// What stands for a file in a record's data: its digest, type, size and address. Pure.
import { isJsonObject, type Json, type JsonObject } from "../crypto/json.ts";
import type { ErrorDetail } from "../errors.ts";
import type { Annotations, AttachmentField } from "./annotations.ts";
import { valuesAt } from "./annotations.ts";

/** `digest`: base64url SHA-256 of the bytes. `href`: where the node that issued the record serves them. */
export interface Attachment {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: number;
  readonly href: string;
}

export const ATTACHMENT_MEMBERS = ["digest", "mediaType", "bytes", "href"] as const;

const DIGEST = /^[A-Za-z0-9_-]{43}$/;

/** Whether a text could be a file's digest. */
export function isAttachmentDigest(text: string): boolean {
  return DIGEST.test(text);
}

export function attachmentUrl(options: { entity: string; registry: string; digest: string }): string {
  return `${options.entity}/registries/${options.registry}/attachments/${options.digest}`;
}

/** The files that `data` holds, with the field each stands in; of data without faults. */
export function attachmentsIn(
  data: Json,
  annotations: Annotations,
): { readonly field: AttachmentField; readonly attachment: Attachment }[] {
  return annotations.attachments.flatMap((field) =>
    valuesAt(data, field.path).map((value) => ({ field, attachment: value as unknown as Attachment })),
  );
}

/** Faults of what stands in the attachment fields; whether such files are stored is checked when the record is. */
export function findAttachmentFaults(
  data: Json,
  options: { annotations: Annotations; entity: string; registry: string },
): ErrorDetail[] {
  return options.annotations.attachments.flatMap((field) =>
    valuesAt(data, field.path).flatMap((value) => {
      const message = findFault(value, field, options);
      return message === undefined ? [] : [{ field: `/${field.path.join("/")}`, message }];
    }),
  );
}

function findFault(
  value: Json,
  field: AttachmentField,
  options: { entity: string; registry: string },
): string | undefined {
  const where = `upload the file with POST …/registries/${options.registry}/attachments and write here what that answers`;
  if (!isJsonObject(value) || !hasMembers(value)) return `must be {${ATTACHMENT_MEMBERS.join(", ")}}; ${where}`;
  const { digest, mediaType, bytes, href } = value;
  if (typeof digest !== "string" || !isAttachmentDigest(digest)) return "has a digest that is no base64url SHA-256";
  if (typeof mediaType !== "string" || !field.mediaTypes.includes(mediaType))
    return `must be of media type ${field.mediaTypes.join(", ")}`;
  if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes < 1 || bytes > field.bytesMax)
    return `must have 1 to ${field.bytesMax} bytes`;
  if (href !== attachmentUrl({ ...options, digest })) return `has an href that is not this registry's; ${where}`;
  return undefined;
}

function hasMembers(value: JsonObject): boolean {
  const names = Object.keys(value);
  return names.length === ATTACHMENT_MEMBERS.length && ATTACHMENT_MEMBERS.every((name) => names.includes(name));
}
