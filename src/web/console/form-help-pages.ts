// What the script of a form asks: records that a reference may be to, the taking in of files, that the session goes on. By session, with the form's token as a header; answers JSON.
import { type Context, Hono } from "hono";
import { AttestryError } from "../../errors.ts";
import { checkPermitted } from "../../identity/permissions.ts";
import type { Session } from "../../identity/session-service.ts";
import { ATTACHMENT_BYTES_MAX } from "../../limits.ts";
import type { AttachmentService } from "../../records/attachments/attachment-service.ts";
import { fileExtension } from "../../registries/attachment-types.ts";
import type { ReferencePickService } from "../../resolution/reference-pick-service.ts";
import { readReader } from "../page-request.ts";
import { createPageSessions } from "../page-session.ts";
import { listLookupTags } from "../reader-language.ts";
import type { DeskDeps } from "./desk.ts";

export interface FormHelpPagesDeps extends Pick<DeskDeps, "entity" | "basePath" | "sessions"> {
  readonly referencePicks: ReferencePickService;
  readonly attachments: AttachmentService;
}

const PRIVATE = { "cache-control": "private, no-store" };

/** Reads as many bytes as a file may have, and no more. Throws `body_too_large`. */
async function readBytes(context: Context): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of context.req.raw.body ?? []) {
    bytes += chunk.length;
    if (bytes > ATTACHMENT_BYTES_MAX)
      throw new AttestryError("body_too_large", `a file has at most ${ATTACHMENT_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

export function createFormHelpPages(deps: FormHelpPagesDeps): Hono {
  const { referencePicks, attachments } = deps;
  const browser = createPageSessions(deps);
  const pages = new Hono();

  /** A script cannot be led to another page: it is told. */
  async function requireScript(context: Context): Promise<Session> {
    const session = await browser.find(context);
    if (!session) throw new AttestryError("authentication_required", "the session is over; sign in again");
    browser.checkScript(context, session);
    return session;
  }

  pages.get("/console/pick", async (context) => {
    const { caller } = await requireScript(context);
    const { registry = "", field = "", q: typed = "" } = context.req.query();
    const languages = listLookupTags(readReader(context));
    return context.json(await referencePicks.pick({ caller, registry, field, typed, languages }), 200, PRIVATE);
  });

  // Finding the session is what keeps it.
  pages.get("/console/alive", async (context) => {
    await requireScript(context);
    return context.body(null, 204, PRIVATE);
  });

  pages.post("/console/registries/:registry/attachments", async (context) => {
    const { caller } = await requireScript(context);
    const { registry } = context.req.param();
    // Before anything is read.
    checkPermitted({ caller, action: "record.write", registry });
    const mediaType = (context.req.header("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
    const name = context.req.query("name") || undefined;
    const bytes = await readBytes(context);
    return context.json(await attachments.upload({ caller, registry, mediaType, name, bytes }), 201, PRIVATE);
  });

  pages.get("/console/registries/:registry/attachments/:digest", async (context) => {
    const session = await browser.require(context);
    if (session instanceof Response) return session;
    const { registry, digest } = context.req.param();
    const { bytes, mediaType } = await attachments.read({ caller: session.caller, registry, digest });
    return context.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      ...PRIVATE,
      "content-type": mediaType.startsWith("text/") ? `${mediaType}; charset=utf-8` : mediaType,
      // A name of ours: whatever the uploader called it, no browser takes it for something else.
      "content-disposition": `attachment; filename="${registry}-${digest.slice(0, 12)}.${fileExtension(mediaType)}"`,
      "content-security-policy": "sandbox; default-src 'none'",
    });
  });

  return pages;
}
