// JWT VC issuer metadata (draft-ietf-oauth-sd-jwt-vc): the keys of this node's records, for verifiers that know no federation. Whoever knows
// one believes its chain instead: these keys come from the issuer's own word.
import type { PublicKey } from "../crypto/keys.ts";
import { ISSUER_METADATA_SECONDS } from "../limits.ts";
import { declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";

export const ISSUER_METADATA_PATH = "/.well-known/jwt-vc-issuer";

const KEY = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "2026-1" };
const KEY_SET = {
  type: "object",
  additionalProperties: false,
  required: ["keys"],
  properties: { keys: { type: "array", items: { type: "object", additionalProperties: true } } },
};

const getIssuerMetadata = declareOperation({
  id: "getIssuerMetadata",
  method: "get",
  path: ISSUER_METADATA_PATH,
  tag: "Proofs",
  summary: "The keys that sign this node's records",
  description:
    "SD-JWT VC issuer metadata, also at the address where that standard looks for it: with `/.well-known/jwt-vc-issuer` between host and path of `iss`. It is the issuer's own word: the chain of the federation, which evidence brings, says who vouches for it. Keys that were reported as stolen are left out. `status_jwks` is ours: the keys of the status lists, which sign no record.",
  actions: ["federation.speak"],
  responses: {
    200: jsonAnswer({
      description: "The metadata.",
      schema: {
        type: "object",
        additionalProperties: false,
        required: ["issuer", "jwks", "status_jwks"],
        properties: {
          issuer: { type: "string", format: "uri", description: "As in `iss` of the records." },
          jwks: KEY_SET,
          status_jwks: KEY_SET,
        },
      },
      example: { issuer: "https://land.example", jwks: { keys: [KEY] }, status_jwks: { keys: [] } },
    }),
  },
});

export function createIssuerMetadataRoutes(deps: {
  /** `iss` of the records. */
  names: string;
  /** The keys of either role that are believed, looked up when they are read. */
  issuerKeys: { readonly record: readonly PublicKey[]; readonly status: readonly PublicKey[] };
}): OperationRoutes {
  const { names, issuerKeys } = deps;
  const routes = createOperationRoutes();
  const formatKeySet = (keys: readonly PublicKey[]) => ({ keys: keys.map(({ jwk }) => ({ ...jwk })) });
  routes.handle(getIssuerMetadata, async ({ context }) =>
    context.json(
      { issuer: names, jwks: formatKeySet(issuerKeys.record), status_jwks: formatKeySet(issuerKeys.status) },
      200,
      { "cache-control": `public, max-age=${ISSUER_METADATA_SECONDS}`, "access-control-allow-origin": "*" },
    ),
  );
  return routes;
}
