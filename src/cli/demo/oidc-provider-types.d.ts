// What the demo and tests use of oidc-provider, which brings no types of its own.
declare module "oidc-provider" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  export default class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>;
    interactionDetails(
      request: IncomingMessage,
      response: ServerResponse,
    ): Promise<{
      readonly prompt: { readonly name: string };
      readonly params: Record<string, string>;
      readonly session?: { readonly accountId: string; readonly uid: string };
    }>;
    /** Keeps the result and gives where to send the browser. */
    interactionResult(
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
      options?: { mergeWithLastSubmission: boolean },
    ): Promise<string>;
    interactionFinished(
      request: IncomingMessage,
      response: ServerResponse,
      result: Record<string, unknown>,
      options?: { mergeWithLastSubmission: boolean },
    ): Promise<void>;
    readonly Grant: new (values: {
      accountId: string;
      clientId: string;
    }) => {
      addOIDCScope(scope: string): void;
      addOIDCClaims(claims: string[]): void;
      addResourceScope(resource: string, scope: string): void;
      save(): Promise<string>;
    };
    readonly Session: {
      findByUid(
        uid: string,
      ): Promise<
        { accountId: string | undefined; authorizations: object | undefined; persist(): Promise<void> } | undefined
      >;
    };
    readonly Client: { find(id: string): Promise<unknown> };
    on(event: string, listener: (...values: unknown[]) => void): void;
  }

  /** As far as it is looked at: a request under way. */
  export interface ProviderContext {
    readonly oidc: {
      readonly client?: { readonly clientId: string };
      readonly result?: { readonly login?: object };
      readonly session?: { readonly accountId?: string };
      readonly params?: { readonly resource?: unknown };
    };
    body: string;
    type: string;
    set(headers: Readonly<Record<string, string>>): void;
  }

  export const errors: { readonly InvalidTarget: new (description?: string) => Error };

  export const interactionPolicy: {
    base(): { get(prompt: string): { readonly checks: { add(check: unknown): void } } };
    readonly Check: (new (
      reason: string,
      description: string,
      isNeeded: (context: ProviderContext) => boolean,
    ) => unknown) & { readonly REQUEST_PROMPT: boolean; readonly NO_NEED_TO_PROMPT: boolean };
  };
}
