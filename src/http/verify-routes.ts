// POST /verify: evidence in, report out, by this node's own policy; and that policy. Asks no other node, and remembers nothing of what strangers send.
import { decodeUtf8 } from "../crypto/hash.ts";
import { VERIFY_BODY_BYTES_MAX, VERIFY_POLICY_CACHE_SECONDS, VERIFY_SHARE, VERIFY_WAITING_MAX } from "../limits.ts";
import { CHECK_NAMES, REQUIRED_BY_DEFAULT, type VerifierPolicy } from "../verification/policy.ts";
import { VERIFICATION_SENTENCES } from "../verification/report.ts";
import { createVerifier } from "../verification/verifier.ts";
import { bytesBody, declareOperation, jsonAnswer } from "./operation.ts";
import { createOperationRoutes, type OperationRoutes } from "./operation-routes.ts";
import { createStrangerWork } from "./stranger-work.ts";

const EXAMPLE_POLICY = {
  anchors: [
    {
      entity: "https://anchor.example",
      jwks: {
        keys: [
          {
            kty: "OKP",
            crv: "Ed25519",
            x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
          },
        ],
      },
      registry_types: ["districts"],
    },
  ],
  statusMaxAgeSeconds: 300,
};

const EXAMPLE_REPORT = {
  verdict: "invalid",
  valid: false,
  required: [...REQUIRED_BY_DEFAULT],
  checks: CHECK_NAMES.map((check) =>
    check === "format"
      ? {
          check,
          result: "fail",
          code: "evidence_invalid",
          message: `${VERIFICATION_SENTENCES.evidence_invalid} (evidence: there is no token)`,
        }
      : {
          check,
          result: "not_checked",
          code: "prerequisite_failed",
          message: VERIFICATION_SENTENCES.prerequisite_failed,
        },
  ),
};

const getVerifierPolicy = declareOperation({
  id: "getVerifierPolicy",
  method: "get",
  path: "/verify/policy",
  tag: "Proofs",
  summary: "Whom this node trusts, as a verifier's policy",
  description:
    "The anchors that this node pins, or, where it pins none, itself. Whoever takes it trusts this node to have chosen them well: compare the keys with what the anchors publish elsewhere.",
  actions: ["proof.check"],
  responses: {
    200: jsonAnswer({
      description: "A policy, for `attestry verify --policy` and the page /verify.",
      schema: { $ref: "verifier-policy.schema.json" },
      example: EXAMPLE_POLICY,
    }),
  },
});

const verifyEvidence = declareOperation({
  id: "verifyEvidence",
  method: "post",
  path: "/verify",
  tag: "Proofs",
  summary: "Verify a record by its evidence",
  description:
    "By this node's own policy, with what the evidence holds: no other node is asked. Whatever is wrong with the evidence is told in the report, which is answered with status 200. The verdict is this node's word; to rely on nobody's, verify the evidence yourself.",
  actions: ["proof.check"],
  body: bytesBody({
    mediaTypes: ["application/json"],
    schema: { $ref: "evidence.schema.json" },
    bytesMax: VERIFY_BODY_BYTES_MAX,
    examples: {
      example: {
        token: "eyJ0eXAiOiJkYytzZC1qd3QifQ.e30.c2lnbmF0dXJl~",
        receipts: { recent: "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n\nregistry.example/log/records\n…" },
        status: { token: "eyJ0eXAiOiJzdGF0dXNsaXN0K2p3dCJ9.e30.c2lnbmF0dXJl" },
        chain: ["eyJ0eXAiOiJlbnRpdHktc3RhdGVtZW50K2p3dCJ9.e30.c2lnbmF0dXJl"],
        definition: '{"name":"districts"}',
      },
    },
  }),
  responses: {
    200: jsonAnswer({
      description: "Every check with its result, and the verdict: valid, invalid, or undecided.",
      schema: { $ref: "verification-report.schema.json" },
      example: EXAMPLE_REPORT,
    }),
  },
  errors: ["encoding_invalid", "verification_busy"],
});

export function createVerifyRoutes(deps: {
  /** In the form of a policy file. */
  getVerifierPolicy: () => Promise<VerifierPolicy>;
  clock: () => number;
  /** For whom it is judged. */
  entity: string;
}): OperationRoutes {
  const routes = createOperationRoutes();
  const strangers = createStrangerWork({ share: VERIFY_SHARE, waitingMax: VERIFY_WAITING_MAX });

  routes.handle(getVerifierPolicy, async ({ context }) =>
    context.json(await deps.getVerifierPolicy(), 200, {
      "cache-control": `public, max-age=${VERIFY_POLICY_CACHE_SECONDS}`,
    }),
  );

  routes.handle(verifyEvidence, async ({ context, body }) => {
    const text = decodeUtf8(body);
    const policy = await deps.getVerifierPolicy();
    const report = await strangers.run(() =>
      // A verifier of its own: one that remembers would keep what strangers make up.
      createVerifier(policy).verifyText(text, { now: deps.clock(), reader: deps.entity }),
    );
    return context.json(report, 200, { "cache-control": "no-store" });
  });

  return routes;
}
