// Puts a node's routes together under its base path. Decides nothing.
import { type Context, Hono } from "hono";
import { AttestryError } from "./errors.ts";
import { createAnswerRoutes } from "./http/answer-routes.ts";
import { createAskedAnswerRoutes } from "./http/asked-answer-routes.ts";
import { createAskedConsentRoutes } from "./http/asked-consent-routes.ts";
import { createAttachmentRoutes } from "./http/attachment-routes.ts";
import { createChangeRoutes } from "./http/change-routes.ts";
import { createConsentRoutes } from "./http/consent-routes.ts";
import { createDirectoryRoutes } from "./http/directory-routes.ts";
import { createEnrolmentRoutes } from "./http/enrolment-routes.ts";
import { createExchangeRoutes } from "./http/exchange-routes.ts";
import { createExportRoutes } from "./http/export-routes.ts";
import { createExtendedListRoutes } from "./http/extended-list-routes.ts";
import { createFederationResolveRoutes } from "./http/federation-resolve-routes.ts";
import { createFederationRoutes } from "./http/federation-routes.ts";
import { createImportRoutes } from "./http/import-routes.ts";
import { createIssuerMetadataRoutes, ISSUER_METADATA_PATH } from "./http/issuer-metadata-routes.ts";
import { createKeyHistoryRoutes } from "./http/key-history-routes.ts";
import { createLogRoutes } from "./http/log-routes.ts";
import { createMigrationRoutes } from "./http/migration-routes.ts";
import { signAnswers } from "./http/node-caller.ts";
import { createNotificationRoutes } from "./http/notification-routes.ts";
import { createOpenDataRoutes } from "./http/open-data-routes.ts";
import { createApiDocuments, createOpenApiRoutes } from "./http/openapi-routes.ts";
import type { Operation } from "./http/operation.ts";
import type { OperationRoutes } from "./http/operation-routes.ts";
import { createOwnDataRoutes } from "./http/own-data-routes.ts";
import { answerProblem } from "./http/problem.ts";
import { createProposalRoutes } from "./http/proposal-routes.ts";
import { createRecordHoldRoutes } from "./http/record-hold-routes.ts";
import { createRecordReadRoutes } from "./http/record-read-routes.ts";
import { createRecordSearchRoutes } from "./http/record-search-routes.ts";
import { createRecordStateRoutes } from "./http/record-state-routes.ts";
import { createRecordWriteRoutes } from "./http/record-write-routes.ts";
import { createReferenceRoutes } from "./http/reference-routes.ts";
import { createRegistryRoutes } from "./http/registry-routes.ts";
import { createResolveRoutes } from "./http/resolve-routes.ts";
import { createShareRoutes } from "./http/share-routes.ts";
import { createStatisticRoutes } from "./http/statistic-routes.ts";
import { createSystemRoutes } from "./http/system-routes.ts";
import { createTrustMarkRoutes } from "./http/trust-mark-routes.ts";
import { createVerifyRoutes } from "./http/verify-routes.ts";
import type { Logger } from "./logger.ts";
import { createApiPages } from "./web/api-pages.tsx";
import { createAskedConsentPages } from "./web/asked-consent-pages.tsx";
import { createCertificatePages } from "./web/certificate-pages.tsx";
import { createCheckPages } from "./web/check-pages.tsx";
import { createFormHelpPages } from "./web/console/form-help-pages.ts";
import { createNotificationDeskPages } from "./web/console/notification-pages.tsx";
import { createProposalPages } from "./web/console/proposal-pages.tsx";
import { createQuestionDeskPages } from "./web/console/question-pages.tsx";
import { createRecordDeskPages } from "./web/console/record-desk-pages.tsx";
import { createRecordHoldPages } from "./web/console/record-hold-pages.tsx";
import { createRecordStatePages } from "./web/console/record-state-pages.tsx";
import { createRecordWritePages } from "./web/console/record-write-pages.tsx";
import { createRegistryDeskPages } from "./web/console/registry-desk-pages.tsx";
import { createConsolePages } from "./web/console-pages.tsx";
import { createFederationPages } from "./web/federation-pages.tsx";
import { createHomePages } from "./web/home-pages.tsx";
import { createConsentPages } from "./web/me/consent-pages.tsx";
import { createElsewherePages } from "./web/me/elsewhere-pages.tsx";
import { createMePages } from "./web/me/me-pages.tsx";
import { createMeSignInPages } from "./web/me/me-sign-in-pages.tsx";
import { createNotificationPages } from "./web/me/notification-pages.tsx";
import { createQuestionPages } from "./web/me/question-pages.tsx";
import { createSharePages } from "./web/me/share-pages.tsx";
import { createUsagePages } from "./web/me/usage-pages.tsx";
import { answerProblemPage } from "./web/problem-page.tsx";
import { createRecordPages } from "./web/record-pages.tsx";
import { createRegistryPages } from "./web/registry-pages.tsx";
import { createReportPages } from "./web/report-pages.tsx";
import { createSharedPages } from "./web/shared-pages.tsx";
import { createSignInPages } from "./web/sign-in-pages.tsx";
import { createStatisticPages } from "./web/statistic-pages.tsx";
import { createVerifyPages } from "./web/verify-pages.tsx";

type AppDeps = Parameters<typeof createRecordWriteRoutes>[0] &
  Parameters<typeof createRecordHoldRoutes>[0] &
  Parameters<typeof createRecordStateRoutes>[0] &
  Parameters<typeof createRecordReadRoutes>[0] &
  Parameters<typeof createRecordSearchRoutes>[0] &
  Parameters<typeof createStatisticRoutes>[0] &
  Parameters<typeof createRegistryRoutes>[0] &
  Parameters<typeof createExchangeRoutes>[0] &
  Parameters<typeof createIssuerMetadataRoutes>[0] &
  Parameters<typeof createAnswerRoutes>[0] &
  Parameters<typeof createConsentRoutes>[0] &
  Parameters<typeof createChangeRoutes>[0] &
  Parameters<typeof createAskedAnswerRoutes>[0] &
  Parameters<typeof createShareRoutes>[0] &
  Parameters<typeof createOwnDataRoutes>[0] &
  Parameters<typeof createAskedConsentRoutes>[0] &
  Parameters<typeof createAskedConsentPages>[0] &
  Parameters<typeof createReferenceRoutes>[0] &
  Parameters<typeof createAttachmentRoutes>[0] &
  Parameters<typeof createImportRoutes>[0] &
  Parameters<typeof createProposalRoutes>[0] &
  Parameters<typeof createMigrationRoutes>[0] &
  Parameters<typeof createExportRoutes>[0] &
  Parameters<typeof createOpenDataRoutes>[0] &
  Parameters<typeof createLogRoutes>[0] &
  Parameters<typeof createFederationRoutes>[0] &
  Parameters<typeof createFederationResolveRoutes>[0] &
  Parameters<typeof createTrustMarkRoutes>[0] &
  Parameters<typeof createKeyHistoryRoutes>[0] &
  Parameters<typeof createEnrolmentRoutes>[0] &
  Parameters<typeof createDirectoryRoutes>[0] &
  Parameters<typeof createResolveRoutes>[0] &
  Parameters<typeof createVerifyRoutes>[0] &
  Parameters<typeof createSystemRoutes>[0] &
  Parameters<typeof createRegistryPages>[0] &
  Parameters<typeof createRecordPages>[0] &
  Omit<Parameters<typeof createCertificatePages>[0], "nodeUrl"> &
  Parameters<typeof createStatisticPages>[0] &
  Parameters<typeof createFederationPages>[0] &
  Parameters<typeof createHomePages>[0] &
  Parameters<typeof createVerifyPages>[0] &
  Parameters<typeof createSignInPages>[0] &
  Parameters<typeof createMeSignInPages>[0] &
  Parameters<typeof createMePages>[0] &
  Parameters<typeof createElsewherePages>[0] &
  Parameters<typeof createConsentPages>[0] &
  Parameters<typeof createUsagePages>[0] &
  Parameters<typeof createQuestionPages>[0] &
  Parameters<typeof createNotificationPages>[0] &
  Parameters<typeof createNotificationRoutes>[0] &
  Parameters<typeof createSharePages>[0] &
  Parameters<typeof createSharedPages>[0] &
  Parameters<typeof createQuestionDeskPages>[0] &
  Parameters<typeof createNotificationDeskPages>[0] &
  Parameters<typeof createConsolePages>[0] &
  Parameters<typeof createProposalPages>[0] &
  Parameters<typeof createRegistryDeskPages>[0] &
  Parameters<typeof createRecordDeskPages>[0] &
  Parameters<typeof createRecordWritePages>[0] &
  Parameters<typeof createRecordHoldPages>[0] &
  Parameters<typeof createRecordStatePages>[0] &
  Parameters<typeof createFormHelpPages>[0] &
  Parameters<typeof createCheckPages>[0] &
  Parameters<typeof createReportPages>[0] &
  Omit<Parameters<typeof createApiDocuments>[0], "operations"> & {
    basePath: string;
    logger: Logger;
    /** The name that this node's records have: its entity identifier, or the first that it had. */
    names: string;
  };

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** The node as a fetch handler. Paths begin with the base path of the entity identifier. */
export function createApp(deps: AppDeps): Hono {
  const routes = new Hono();
  routes.route("/", createHomePages(deps));
  // Before the API, which answers at the same addresses whoever does not want a page.
  // These show records, which have the name that the node had first.
  const named = { ...deps, entity: deps.names };
  routes.route("/", createRegistryPages(named));
  routes.route("/", createRecordPages(named));
  routes.route("/", createCertificatePages({ ...named, nodeUrl: deps.entity }));
  routes.route("/", createStatisticPages(named));
  routes.route("/", createVerifyPages(named));
  routes.route("/", createFederationPages(deps));
  routes.route("/", createSignInPages(deps));
  routes.route("/", createMeSignInPages(deps));
  routes.route("/", createMePages(deps));
  routes.route("/", createElsewherePages(deps));
  routes.route("/", createConsentPages(deps));
  routes.route("/", createUsagePages(deps));
  routes.route("/", createQuestionPages(deps));
  routes.route("/", createNotificationPages(deps));
  routes.route("/", createSharePages(deps));
  routes.route("/", createSharedPages(deps));
  routes.route("/", createQuestionDeskPages(deps));
  routes.route("/", createNotificationDeskPages(deps));
  routes.route("/", createConsolePages(deps));
  routes.route("/", createProposalPages(deps));
  routes.route("/", createRegistryDeskPages(deps));
  routes.route("/", createRecordDeskPages(deps));
  routes.route("/", createRecordWritePages(deps));
  routes.route("/", createRecordStatePages(deps));
  routes.route("/", createRecordHoldPages(deps));
  routes.route("/", createFormHelpPages(deps));
  routes.route("/", createCheckPages(deps));
  routes.route("/", createReportPages(deps));
  routes.route("/", createAskedConsentPages(deps));
  const operations: Operation[] = [];
  const serve = (group: Hono | OperationRoutes): void => {
    if ("operations" in group) operations.push(...group.operations);
    routes.route("/", group);
  };
  serve(createSystemRoutes(deps));
  serve(createRegistryRoutes(deps));
  serve(createRecordWriteRoutes(deps));
  serve(createRecordStateRoutes(deps));
  serve(createRecordHoldRoutes(deps));
  serve(createProposalRoutes(deps));
  serve(createRecordSearchRoutes(deps));
  serve(createStatisticRoutes(deps));
  serve(createRecordReadRoutes(deps));
  serve(createImportRoutes(deps));
  serve(createMigrationRoutes(deps));
  serve(createExportRoutes(deps));
  serve(createOpenDataRoutes(deps));
  serve(createAttachmentRoutes(deps));
  serve(createReferenceRoutes(deps));
  serve(createExchangeRoutes(deps));
  serve(createIssuerMetadataRoutes(deps));
  serve(createAnswerRoutes(deps));
  serve(createConsentRoutes(deps));
  serve(createChangeRoutes(deps));
  serve(createShareRoutes(deps));
  serve(createOwnDataRoutes(deps));
  serve(createAskedConsentRoutes(deps));
  serve(createAskedAnswerRoutes(deps));
  serve(createNotificationRoutes(deps));
  serve(createResolveRoutes(deps));
  serve(createVerifyRoutes(deps));
  serve(createLogRoutes(deps));
  serve(createFederationRoutes(deps));
  serve(createExtendedListRoutes(deps));
  serve(createFederationResolveRoutes(deps));
  serve(createTrustMarkRoutes(deps));
  serve(createKeyHistoryRoutes(deps));
  serve(createEnrolmentRoutes(deps));
  serve(createDirectoryRoutes(deps));
  const getApiDocument = createApiDocuments({ ...deps, operations: () => operations });
  serve(createOpenApiRoutes({ getApiDocument }));
  routes.route("/", createApiPages({ ...deps, getApiDocument }));

  const app = new Hono();
  app.use(async (context, next) => {
    // Before, not after: a header added to a finished answer makes the server build it anew.
    context.header("x-content-type-options", "nosniff");
    await next();
  });
  app.use(signAnswers);
  app.route(deps.basePath === "" ? "/" : deps.basePath, routes);
  if (deps.basePath !== "") {
    app.get(`${deps.basePath}/`, (context) => context.redirect(deps.basePath, 308));
    // Where SD-JWT VC looks for an issuer that has a path: before it, not below.
    app.get(`${ISSUER_METADATA_PATH}${deps.basePath}`, ({ req }) =>
      app.fetch(new Request(new URL(`${deps.basePath}${ISSUER_METADATA_PATH}`, req.url), { headers: req.raw.headers })),
    );
  }
  const answerFault = (context: Context, error: unknown): Promise<Response> =>
    answerProblemPage(context, answerProblem(context, error, deps.logger), deps);
  app.onError((error, context) => answerFault(context, error));
  app.notFound((context) => {
    const allowed = findAllowedMethods(app, context.req.path);
    if (allowed.length === 0)
      return answerFault(
        context,
        new AttestryError(
          "not_found",
          "there is nothing at this address; docs, below the node's base URL, lists what it answers",
        ),
      );
    // RFC 9110 §15.5.6: the answer says what would be allowed.
    context.header("allow", allowed.join(", "));
    const message = `this address has no ${context.req.method.slice(0, 20)}; allowed: ${allowed.join(", ")}`;
    return answerFault(context, new AttestryError("method_not_allowed", message));
  });
  return app;
}

/** The methods that some route answers at a path; middleware, which stands for all of them, answers none. */
function findAllowedMethods(app: Hono, path: string): string[] {
  return METHODS.filter((method) => app.router.match(method, path)[0].some(([[, route]]) => route.method === method));
}
