// Files that records hold: taken in as they are, given out so that no browser runs them. Parse, call one service, answer.
import type { IdentityService } from "../identity/identity-service.ts";
import { ATTACHMENT_BYTES_MAX, ATTACHMENT_CACHE_SECONDS, ATTACHMENT_NAME_CHARS_MAX } from "../limits.ts";
import type { AttachmentContent, AttachmentService } from "../records/attachments/attachment-service.ts";
import { ATTACHMENT_MEDIA_TYPES, fileExtension } from "../registries/attachment-types.ts";
import { bytesBody, declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

const DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
const FILE = { type: "string", format: "binary" };

const uploadAttachment = declareOperation({
  id: "uploadAttachment",
  method: "post",
  path: "/registries/{registry}/attachments",
  tag: "Attachments",
  summary: "Upload a file for a record to hold",
  description:
    "The answer is what to write into a field marked x-attachment. The bytes must be what the Content-Type says. A file that no record holds is removed after a day.",
  actions: ["record.write"],
  query: {
    name: {
      description: `Name under which the file is handed out, up to ${ATTACHMENT_NAME_CHARS_MAX} characters.`,
      schema: { type: "string", minLength: 1, maxLength: ATTACHMENT_NAME_CHARS_MAX },
      example: "deed.pdf",
    },
  },
  body: bytesBody({ mediaTypes: ATTACHMENT_MEDIA_TYPES, bytesMax: ATTACHMENT_BYTES_MAX, schema: FILE }),
  responses: {
    201: jsonAnswer({
      description: "The file is stored.",
      schema: { $ref: "attachment.schema.json" },
      example: {
        digest: DIGEST,
        mediaType: "application/pdf",
        bytes: 48_213,
        href: `https://land.example/registries/parcels/attachments/${DIGEST}`,
      },
    }),
  },
  errors: ["attachment_invalid", "content_type_unsupported", "too_many_items"],
});

const getAttachment = declareOperation({
  id: "getAttachment",
  method: "get",
  path: "/registries/{registry}/attachments/{digest}",
  tag: "Attachments",
  summary: "Read a file that a record holds",
  description: "Open to everybody where a record of a public registry holds it in an open field, else to staff.",
  actions: ["record.read", "record.inspect"],
  responses: {
    200: {
      description: "The file. Its SHA-256 is the digest in its address.",
      content: Object.fromEntries(ATTACHMENT_MEDIA_TYPES.map((type) => [type, { schema: FILE }])),
    },
    304: { description: "The file is the one whose ETag was sent as If-None-Match.", content: {} },
  },
  errors: ["attachment_unknown", "attachment_corrupt"],
});

export function createAttachmentRoutes(deps: {
  identity: IdentityService;
  attachments: AttachmentService;
}): OperationRoutes {
  const routes = createOperationRoutes(deps);

  routes.handle(uploadAttachment, async ({ context, caller, path, query, body }) => {
    const mediaType = (context.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    const { registry } = path;
    const attachment = await deps.attachments.upload({ caller, registry, mediaType, name: query.name, bytes: body });
    context.header("location", attachment.href);
    return context.json(attachment, 201);
  });

  routes.handle(getAttachment, async ({ context, caller, path }) => {
    const { registry, digest } = path;
    const content = await deps.attachments.read({ caller, registry, digest });
    const headers = {
      etag: `"${digest}"`,
      "cache-control": content.isOpen ? `public, max-age=${ATTACHMENT_CACHE_SECONDS}` : "private, no-store",
      ...(content.isOpen && { "access-control-allow-origin": "*" }),
    };
    if (context.req.header("if-none-match") === headers.etag) return context.body(null, 304, headers);
    return context.body(content.bytes as Uint8Array<ArrayBuffer>, 200, {
      ...headers,
      "content-type": content.mediaType.startsWith("text/") ? `${content.mediaType}; charset=utf-8` : content.mediaType,
      "content-disposition": contentDisposition(content, digest),
      // Whatever a browser makes of the bytes, it runs none of them and sends them nowhere.
      "content-security-policy": "sandbox; default-src 'none'",
      "x-content-type-options": "nosniff",
    });
  });

  return routes;
}

/** RFC 6266: a name of ASCII for all, and the whole one (RFC 8187). It ends as its type does, whatever the uploader called it. */
function contentDisposition({ name, mediaType }: AttachmentContent, digest: string): string {
  const extension = `.${fileExtension(mediaType)}`;
  const given = (name ?? digest.slice(0, 12)).replace(/[/\\:*?"<>|\p{C}]/gu, "_").replace(/^\.+/, "_");
  const full = given.toLowerCase().endsWith(extension) ? given : `${given}${extension}`;
  const ascii = full.replace(/[^A-Za-z0-9._ -]/g, "_");
  const encoded = encodeURIComponent(full).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
