// Binds operations to their handlers: who calls, then what the declaration says of parameters and body, then the handler. Knows no operation.
import { type Context, Hono } from "hono";
import { AttestryError } from "../errors.ts";
import { ANONYMOUS, type Caller, type Role } from "../identity/caller.ts";
import type { IdentityService } from "../identity/identity-service.ts";
import { describeCallers } from "../identity/permissions.ts";
import { authenticateNode } from "./node-caller.ts";
import type { Operation, OperationInput, Parameters } from "./operation.ts";
import { createOperationReader } from "./operation-input.ts";

type Handler<Path extends string, Query extends Parameters, Headers extends Parameters, Value> = (
  input: OperationInput<Path, Query, Headers, Value>,
) => Response | Promise<Response>;

/** Routes that know what they answer. */
export interface OperationRoutes extends Hono {
  readonly operations: readonly Operation[];
  handle<Path extends string, Query extends Parameters, Headers extends Parameters, Value>(
    operation: Operation<Path, Query, Headers, Value>,
    handler: Handler<Path, Query, Headers, Value>,
  ): void;
}

type Identity = Pick<IdentityService, "authenticate" | "authenticateCitizen" | "authenticateNode">;

/** `identity` may be left out only where everybody may call every operation. */
export function createOperationRoutes({ identity }: { readonly identity?: Identity } = {}): OperationRoutes {
  const operations: Operation[] = [];
  const routes = new Hono();

  const handle: OperationRoutes["handle"] = (operation, handler) => {
    const callers = describeCallers(operation.actions);
    if (!identity && callers !== "open") throw new Error(`${operation.id} has to know who calls`);
    operations.push(operation as Operation);
    const reader = createOperationReader(operation as Operation);
    routes.on(operation.method.toUpperCase(), honoPath(operation), async (context) => {
      const caller = callers === "open" ? ANONYMOUS : await authenticate(context, operation as Operation, identity!);
      if (caller.kind !== "anonymous") {
        // Whatever a token shows is nobody else's, and stays on no shared desk; a handler that knows better says so.
        context.header("cache-control", "private, no-store");
        context.header("vary", "accept, accept-language, authorization, signature");
      } else if (callers === "nodes") {
        throw new AttestryError(
          "authentication_required",
          "this takes a request signed by a node of the federation (RFC 9421)",
        );
      } else if (callers === "citizens") {
        throw new AttestryError(
          "authentication_required",
          "this needs an access token of the sign-in service, of the citizen whose own data it is about",
        );
      } else if (typeof callers !== "string") {
        // Before the body: what a stranger sends to staff's operations is not even read.
        throw refuseStranger(callers);
      }
      const { query, otherQuery } = reader.query(context);
      const headers = reader.headers(context);
      let body: unknown;
      try {
        body = await reader.body(context);
      } catch (error) {
        if (operation.foreign?.answer && error instanceof AttestryError) return operation.foreign.answer(error);
        throw error;
      }
      const path = context.req.param();
      // The reader gives what the declaration says, and the declaration is what the handler's types are made of.
      return handler({ context, caller, path, query, otherQuery, headers, body } as InputOf<typeof handler>);
    });
  };

  return Object.assign(routes, { operations, handle });
}

async function authenticate(
  context: Context,
  { actions, nodes, body }: Operation,
  identity: Identity,
): Promise<Caller> {
  if (describeCallers(actions) === "citizens") return identity.authenticateCitizen(context.req.header("authorization"));
  const node = nodes && (await authenticateNode(context, identity, body?.bytesMax));
  return node ?? identity.authenticate(context.req.header("authorization"), context.req.header("attestry-role"));
}

function refuseStranger(roles: readonly Role[]): AttestryError {
  return new AttestryError(
    "authentication_required",
    `this needs a bearer token of this node, of role ${roles.join(" or ")}: Authorization: Bearer …`,
  );
}

type InputOf<Handling> = Handling extends (input: infer Input) => unknown ? Input : never;

/** "/log/{log}/tile/{tile}" as hono writes it; a tile's path has slashes of its own. */
function honoPath({ path }: { readonly path: string }): string {
  return path.replace("{tile}", ":tile{.+}").replaceAll(/\{(\w+)\}/g, ":$1");
}
