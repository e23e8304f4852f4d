// Other nodes as callers: hands a signed request to be authenticated, and signs whatever is answered to it. Decides nothing.
import type { Context, MiddlewareHandler } from "hono";
import { AttestryError } from "../errors.ts";
import { isSignedRequest } from "../federation/signed-request.ts";
import type { AuthenticatedRequest } from "../federation/signed-request-service.ts";
import type { MemberNode } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { readBody } from "./request.ts";

const signers = new WeakMap<Request, AuthenticatedRequest["signAnswer"]>();

function fieldsOf(context: Context): Map<string, string[]> {
  // Several lines of one name arrive joined, as RFC 9421 §2.1 joins them.
  return new Map([...context.req.raw.headers].map(([name, value]) => [name, [value]]));
}

/** The node that signed a request; undefined where it does not claim to be signed. Throws `signature_*`, `content_digest_*`. */
export async function authenticateNode(
  context: Context,
  identity: Pick<IdentityService, "authenticateNode">,
  bytesMax: number | undefined,
): Promise<MemberNode | undefined> {
  const fields = fieldsOf(context);
  if (!isSignedRequest(fields)) return undefined;
  if (fields.has("authorization"))
    throw new AttestryError("signature_malformed", "a request is signed or has a bearer token, not both");
  const { caller, signAnswer } = await identity.authenticateNode({
    method: context.req.method,
    target: new URL(context.req.url),
    fields,
    readContent: () => readBody(context, bytesMax),
  });
  signers.set(context.req.raw, signAnswer);
  return caller;
}

/** Signs answers to authenticated nodes, errors too. */
export const signAnswers: MiddlewareHandler = async (context, next) => {
  await next();
  const signAnswer = signers.get(context.req.raw);
  if (!signAnswer) return;
  const { status, headers } = context.res;
  const content = new Uint8Array(await context.res.arrayBuffer());
  const contentType = headers.get("content-type") ?? undefined;
  const signed = new Headers(headers);
  for (const [name, value] of Object.entries(await signAnswer({ status, contentType, content })))
    signed.set(name, value);
  context.res = undefined;
  context.res = new Response(content.length === 0 ? null : content, { status, headers: signed });
};
