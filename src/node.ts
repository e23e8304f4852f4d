// The composition root: builds one node out of its configuration and secrets. Several nodes may live in one process; nothing here is process-wide.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type AccessAuditService, createAccessAudit } from "./access/access-audit-service.ts";
import { createAccessLog } from "./access/access-log-service.ts";
import { insertSubjects } from "./access/access-store.ts";
import { createAccessSubjects } from "./access/access-subject-service.ts";
import { joinGuards } from "./access/joint-guard.ts";
import { createLocalAudit, type LocalAuditService } from "./access/local-audit-service.ts";
import { createReadingLog } from "./access/reading-log-service.ts";
import { createReceivedLog } from "./access/received-service.ts";
import { createSubjectResealing } from "./access/subject-resealing-service.ts";
import { createApp } from "./app.ts";
import { createPersonNamer, createProposalBook } from "./approval/proposal-book-service.ts";
import { createProposalSealer } from "./approval/proposal-sealer.ts";
import { createProposalService, type ProposalService } from "./approval/proposal-service.ts";
import { createBoundedCache } from "./bounded-cache.ts";
import { currentSeconds } from "./clock.ts";
import { checkPrivateFile, type NodeConfig, readPassphrase, readSecretFile } from "./config.ts";
import { createConsentGuard } from "./consent/consent-guard.ts";
import { createConsentResealing } from "./consent/consent-resealing-service.ts";
import { createConsentRows } from "./consent/consent-row-service.ts";
import { createConsentSealer } from "./consent/consent-sealer.ts";
import { type ConsentService, createConsentService } from "./consent/consent-service.ts";
import { createConsentRelations } from "./consent/guardianship-service.ts";
import { canonicalJson, type JsonObject, parseJson } from "./crypto/json.ts";
import { unlockSecrets } from "./crypto/key-file.ts";
import { randomBytes } from "./crypto/random.ts";
import { createAnswerLog } from "./disclosure/answer-log-service.ts";
import { createBasedReadings } from "./disclosure/based-reading-service.ts";
import { createBasisFinder } from "./disclosure/basis-service.ts";
import { createChangeFeed } from "./disclosure/change-feed-service.ts";
import { createCitizenBudget } from "./disclosure/citizen-budget-service.ts";
import { createDisclosureService } from "./disclosure/disclosure-service.ts";
import { createErasureNotices } from "./disclosure/erasure-notice-service.ts";
import { createNotificationChoices, type NotificationChoices } from "./disclosure/notification-choice-service.ts";
import { createNotificationService, type NotificationService } from "./disclosure/notification-service.ts";
import { createPresenter } from "./disclosure/presentation-service.ts";
import { createQuestionService, type QuestionService } from "./disclosure/question-service.ts";
import { createShareGuard, type GuardedShare } from "./disclosure/share-guard.ts";
import { createShareOpenings, type ShareOpeningService } from "./disclosure/share-opening-service.ts";
import { createShareSealer } from "./disclosure/share-sealer.ts";
import { createShareService, type ShareService } from "./disclosure/share-service.ts";
import { createUsageService, type UsageService } from "./disclosure/usage-service.ts";
import { AttestryError } from "./errors.ts";
import { parseAnchorPins } from "./federation/anchor-pins.ts";
import { type ChainArchiveService, createChainArchiveService } from "./federation/chain-archive-service.ts";
import { type ChainService, createChainService } from "./federation/chain-service.ts";
import { createCitizenPortals } from "./federation/citizen-portal-service.ts";
import { createDirectoryService, type DirectoryService } from "./federation/directory-service.ts";
import { createEnrolmentClient, type EnrolmentClient } from "./federation/enrolment-client.ts";
import { createEnrolmentService, type EnrolmentService } from "./federation/enrolment-service.ts";
import { findAcceptedConfiguration } from "./federation/enrolment-store.ts";
import { parseEntityIdentifier } from "./federation/entity-identifier.ts";
import { createFederationService, type FederationService } from "./federation/federation-service.ts";
import { createHomeAsker } from "./federation/home-chain.ts";
import { createHttpClient, type HttpClient } from "./federation/http-client.ts";
import { createKeyHistoryService, type KeyHistoryService } from "./federation/key-history-service.ts";
import { createKeyRolloverService, type KeyRolloverService } from "./federation/key-rollover-service.ts";
import { createMovedClient } from "./federation/moved-client.ts";
import { createOwnChainService, type OwnChainService } from "./federation/own-chain-service.ts";
import { createPartyNamer } from "./federation/party-name-service.ts";
import { createPeerChains } from "./federation/peer-chains.ts";
import { createPublishedKeys } from "./federation/published-keys.ts";
import { createResolveResponseService } from "./federation/resolve-response-service.ts";
import { createSignedRequestClient, type SignedRequestClient } from "./federation/signed-request-client.ts";
import { createSignedRequestService } from "./federation/signed-request-service.ts";
import { createStatementClient } from "./federation/statement-client.ts";
import type { AnchorPin } from "./federation/trust-chain.ts";
import { createTrustMarkCheckService, type TrustMarkCheckService } from "./federation/trust-mark-check-service.ts";
import {
  createTrustMarkService,
  describeTrustMarkRules,
  type TrustMarkService,
} from "./federation/trust-mark-service.ts";
import type { ServedNode } from "./http/listener.ts";
import { createShareDoor } from "./http/share-door.ts";
import { createCitizenSessionService } from "./identity/citizen-session-service.ts";
import { createIdentityService, type IdentityService } from "./identity/identity-service.ts";
import { createIssuerStates } from "./identity/issuer-state-service.ts";
import { createIssuerTokenService } from "./identity/issuer-token-service.ts";
import { createSessionService, type SessionService } from "./identity/session-service.ts";
import { createSignInService } from "./identity/sign-in-service.ts";
import { startJobs } from "./jobs.ts";
import { COUNTERS_REMEMBERED_MAX, STATUS_LIST_SECONDS } from "./limits.ts";
import { parseCheckpoint } from "./log/checkpoint.ts";
import { commitment, randomTag, ZERO_SALT } from "./log/entry.ts";
import { initializeLog } from "./log/log-state-service.ts";
import { lockLogState } from "./log/log-store.ts";
import { createLogReader, type LogReader } from "./log/reader-service.ts";
import { createLogWriter, type LogWriter, type WriteKind } from "./log/writer-service.ts";
import type { Logger } from "./logger.ts";
import { createNotificationSender } from "./notification/notification-client.ts";
import { createAnswerService } from "./records/answers/answer-service.ts";
import { createBudgets } from "./records/answers/budget-service.ts";
import { createAttachmentSealer } from "./records/attachments/attachment-sealer.ts";
import { createAttachmentService } from "./records/attachments/attachment-service.ts";
import { createExportService } from "./records/bulk/export-service.ts";
import { createImportService } from "./records/bulk/import-service.ts";
import { createMigrationService } from "./records/bulk/migration-service.ts";
import { createOpenDataService } from "./records/bulk/open-data-service.ts";
import { createEvidenceService } from "./records/evidence-service.ts";
import { createProposalActions } from "./records/proposals/proposal-actions-service.ts";
import { createActDescriber, formatPseudonym } from "./records/record-act.ts";
import { createRecordBatchService } from "./records/record-batch-service.ts";
import { createRecordHistoryService } from "./records/record-history-service.ts";
import { createRecordNamesService } from "./records/record-names-service.ts";
import { createRecordProofService } from "./records/record-proof-service.ts";
import { createRecordReadService } from "./records/record-read-service.ts";
import { createRecordSealer } from "./records/record-sealer.ts";
import { findHeads, findUsedRegistries, recordErased } from "./records/record-store.ts";
import { createRecordViewer } from "./records/record-viewer.ts";
import { createKeyLookupService } from "./records/references/key-lookup-service.ts";
import { createReferenceKeyService } from "./records/references/reference-key-service.ts";
import {
  createReferenceWatchService,
  type ReferenceWatchService,
} from "./records/references/reference-watch-service.ts";
import { beginSealing, createSealingGuard } from "./records/sealing/sealing-guard-service.ts";
import {
  createSealingRotationService,
  type SealingRotationService,
} from "./records/sealing/sealing-rotation-service.ts";
import { createSealingSteps } from "./records/sealing/sealing-steps-service.ts";
import { createDuplicateService } from "./records/search/duplicate-service.ts";
import { createIndexRebuildService } from "./records/search/index-rebuild-service.ts";
import { createRecordSearchService } from "./records/search/record-search-service.ts";
import { createRecordSight } from "./records/search/record-sight-service.ts";
import { createStatisticService } from "./records/search/statistic-service.ts";
import { countRecords } from "./records/search/statistic-store.ts";
import { createStatusPlacer } from "./records/status-index.ts";
import { createStatusService } from "./records/status-service.ts";
import { createOwnRecordService, type OwnRecordService } from "./records/subjects/own-record-service.ts";
import { createSubjectService, type SubjectService } from "./records/subjects/subject-service.ts";
import { type Counter, createCounter } from "./records/writing/counter-store.ts";
import { createErasureLedger } from "./records/writing/erasure-ledger-service.ts";
import { createErasureReplay } from "./records/writing/erasure-replay-service.ts";
import { createHoldService } from "./records/writing/hold-service.ts";
import { deriveLedgerKey } from "./records/writing/ledger-line.ts";
import { createRecordDrafter } from "./records/writing/record-drafter.ts";
import { createRecordStateService } from "./records/writing/record-state-service.ts";
import { createRecordWriteService, type RecordWriteService } from "./records/writing/record-write-service.ts";
import { createStateDrafter } from "./records/writing/state-drafter.ts";
import { createVersionErasureDrafter } from "./records/writing/version-erasure-drafter.ts";
import { createWriteOnce } from "./records/writing/write-once-service.ts";
import { closeToPublishing, closeToWriting } from "./registries/consumer-registries.ts";
import { createRegistryService, type RegistryService } from "./registries/registry-service.ts";
import { createAskedAnswers } from "./resolution/asked-answer-service.ts";
import { type AskedConsentService, createAskedConsents } from "./resolution/asked-consent-service.ts";
import { type ConsentClient, createConsentClient } from "./resolution/consent-client.ts";
import { createConsentOfferClient } from "./resolution/consent-offer-client.ts";
import { createConsentOffers } from "./resolution/consent-offer-service.ts";
import { createErasureNoticeInbox } from "./resolution/erasure-notice-service.ts";
import { createHomeNodeClient } from "./resolution/home-node-client.ts";
import { createKeptReportService, type KeptReportService } from "./resolution/kept-report-service.ts";
import { createRecordCheckService } from "./resolution/record-check-service.ts";
import { createReferenceLookupClient } from "./resolution/reference-lookup-client.ts";
import { createReferenceLookup } from "./resolution/reference-lookup-service.ts";
import { createReferencePickClient } from "./resolution/reference-pick-client.ts";
import { createReferencePickService } from "./resolution/reference-pick-service.ts";
import { createResolutionService, type ResolutionService } from "./resolution/resolution-service.ts";
import { parseSecrets, type Secrets } from "./secrets.ts";
import type { Database, Transaction } from "./storage/database.ts";
import { runTransaction } from "./storage/transaction.ts";
import type { VerifierPolicy } from "./verification/policy.ts";
import { createVerifier } from "./verification/verifier.ts";

export interface Node extends ServedNode {
  readonly config: NodeConfig;
  readonly identity: IdentityService;
  readonly sessions: SessionService;
  readonly registries: RegistryService;
  readonly subjects: SubjectService;
  readonly consents: ConsentService;
  readonly usage: UsageService;
  readonly notifications: NotificationService;
  readonly notificationChoices: NotificationChoices;
  readonly questions: QuestionService;
  readonly ownRecords: OwnRecordService;
  readonly shares: ShareService;
  readonly shareOpenings: ShareOpeningService;
  readonly accessAudit: AccessAuditService;
  readonly localAudit: LocalAuditService;
  readonly accessReader: LogReader;
  readonly signedClient: SignedRequestClient;
  /** Asks other nodes for consents. */
  readonly consentClient: ConsentClient;
  readonly askedConsents: AskedConsentService;
  readonly recordWrites: RecordWriteService;
  readonly proposals: ProposalService;
  readonly referenceWatch: ReferenceWatchService;
  readonly federation: FederationService;
  readonly keyHistory: KeyHistoryService;
  readonly chainArchive: ChainArchiveService;
  readonly keyRollover: KeyRolloverService;
  readonly enrolment: EnrolmentService;
  readonly enrolmentClient: EnrolmentClient;
  /** Thumbprint of the node's federation key, for people to compare. */
  readonly federationKey: string;
  readonly directory: DirectoryService;
  readonly chains: ChainService;
  readonly ownChain: OwnChainService;
  readonly trustMarks: TrustMarkService;
  readonly trustMarkChecks: TrustMarkCheckService;
  readonly resolution: ResolutionService;
  readonly keptReports: KeptReportService;
  readonly sealingRotation: SealingRotationService;
  readonly writer: LogWriter;
  readonly reader: LogReader;
  /** Resolves when what the ledger of erasures names is erased here, too: until then a restored database is served to nobody. */
  readonly ready: Promise<void>;
  /** Answers what was taken, then lets go of everything but the database, which whoever opened it closes. */
  close(): Promise<void>;
}

export const RECORDS_LOG = "records";
/** Readings of personal data, and consents (DESIGN section 10). */
export const ACCESS_LOG = "access";
export const KEY_FILE = "keys.json";
const ERASURE_LEDGER_FILE = "erasures.ndjson";
// Reserved in blocks: status places need not be gapless. Identifiers are for people, so they are numbered one by one.
const STATUS_BLOCK = 512;

function readProgramVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Origin of a node's log: its URL without the scheme (DESIGN section 6). */
export function logOrigin(entity: string, log: string): string {
  return `${entity.replace(/^https?:\/\//, "")}/log/${log}`;
}

/**
 * In whose name a node signs records, definitions, status lists and its log: its entity identifier, or the first that it had. A node
 * that moves is found elsewhere, but the names of what it signed, to which others refer, stay.
 */
export function namesOf(config: Pick<NodeConfig, "entity" | "formerly">): string {
  return config.formerly[0] ?? config.entity;
}

/** Reads and unlocks a node's keys. Throws `config_invalid`, `passphrase_wrong`. */
export async function readSecrets(config: NodeConfig): Promise<Secrets> {
  const path = join(config.directory, KEY_FILE);
  if (!existsSync(path))
    throw new AttestryError(
      "config_invalid",
      `${path} does not exist; a node without its keys cannot sign (restore it from your backup)`,
    );
  checkPrivateFile(path);
  const locked = parseJson(readFileSync(path, "utf8"));
  return parseSecrets(await unlockSecrets({ passphrase: readPassphrase(config.directory), locked }));
}

export function writeKeyFile(directory: string, locked: unknown): void {
  const path = join(directory, KEY_FILE);
  if (existsSync(path)) {
    throw new AttestryError(
      "node_exists",
      `${path} exists, of an init that did not finish; if nothing was signed with these keys yet, remove ${directory} and try again`,
    );
  }
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(locked, null, 2)}\n`, { mode: 0o600, flag: "wx" });
}

export function readAnchors(config: NodeConfig): AnchorPin[] {
  return config.anchorsPath === undefined ? [] : parseAnchorPins(parseJson(readFileSync(config.anchorsPath, "utf8")));
}

/** Records the node's public keys in its log, once; a later rotation adds its own entry. */
async function logKeySet(options: { writer: LogWriter; reader: LogReader; secrets: Secrets }): Promise<void> {
  const text = canonicalJson({
    keys: Object.values(options.secrets.signers).map((signer) => ({ ...signer.publicKey.jwk })),
  });
  const kind: WriteKind<null> = {
    name: "key",
    check: async (_tx, inputs) => inputs.map(() => undefined),
    store: async () => {},
  };
  const entry = {
    c: commitment("key", ZERO_SALT, text),
    e: "key",
    r: randomTag(randomBytes(32)),
    t: currentSeconds(),
    v: 1,
  } as const;
  await options.writer.append(kind, null, entry);
}

/** Creates the node's logs, that of records with its key set as the first entry; does nothing where they are there. */
export async function initializeNode(options: {
  config: NodeConfig;
  secrets: Secrets;
  database: Database;
  logger: Logger;
}): Promise<void> {
  const { config, secrets, database, logger } = options;
  const names = namesOf(config);
  const identity = { logName: RECORDS_LOG, origin: logOrigin(names, RECORDS_LOG), signer: secrets.signers.log };
  const accessIdentity = { logName: ACCESS_LOG, origin: logOrigin(names, ACCESS_LOG), signer: secrets.signers.log };
  await initializeLog({ ...identity, database, clock: currentSeconds });
  await initializeLog({ ...accessIdentity, database, clock: currentSeconds });
  const reader = createLogReader({ database, logName: RECORDS_LOG, origin: identity.origin });
  if ((await reader.bundle(0, 1)) !== undefined) return;
  await beginSealing(database, secrets.sealing, currentSeconds());
  const writer = createLogWriter({ ...identity, database, clock: currentSeconds, logger });
  await logKeySet({ writer, reader, secrets });
  await writer.close();
}

export { currentSeconds };

interface Trust {
  readonly http: HttpClient;
  readonly chains: ChainService;
  readonly anchors: readonly AnchorPin[];
}

function createTrust(config: NodeConfig, { http, clock }: { http: HttpClient; clock: () => number }): Trust {
  const anchors = readAnchors(config);
  const chains = createChainService({
    anchors,
    httpClient: http,
    clock,
    allowLoopbackHttp: config.development,
  });
  return { http, chains, anchors };
}

/** Builds a node over an open, migrated database. */
export function createNode(options: {
  config: NodeConfig;
  secrets: Secrets;
  database: Database;
  logger: Logger;
  clock?: () => number;
  /** The node's only way out; closed with it. */
  httpClient?: HttpClient;
  /** Whether it answers requests, until it is closed: such a node lets the next sealing keys take over. */
  isServed?: boolean;
}): Node {
  const { config, secrets, database, logger } = options;
  const { entity } = config;
  const names = namesOf(config);
  for (const identifier of [entity, ...config.formerly])
    parseEntityIdentifier(identifier, { allowLoopbackHttp: config.development });
  const clock = options.clock ?? currentSeconds;
  const random = randomBytes;
  const { signers } = secrets;
  const http = options.httpClient ?? createHttpClient(config);
  const { chains, anchors } = createTrust(config, { http, clock });

  const origin = logOrigin(names, RECORDS_LOG);
  const accessOrigin = logOrigin(names, ACCESS_LOG);
  secrets.followKeys(clock());
  const origins = { records: origin, access: accessOrigin };
  const { keys, logs, isRefused, rollover } = createPublishedKeys({ secrets, clock, origins });
  const log = { database, logName: RECORDS_LOG, origin, signer: signers.log, rollover };
  const sealingGuard = createSealingGuard({ sealing: secrets.sealing, clock });
  const writer = createLogWriter({ ...log, clock, logger, guard: sealingGuard.check });
  const reader = createLogReader({ database, logName: RECORDS_LOG, origin });
  const accessLog = { database, logName: ACCESS_LOG, origin: accessOrigin, signer: signers.log, rollover };
  const accessWriter = createLogWriter({ ...accessLog, clock, logger, guard: sealingGuard.check });
  const accessReader = createLogReader({ database, logName: ACCESS_LOG, origin: accessOrigin });
  const peers = createPeerChains();
  const requestSigner = signers.request;
  const signedRequests = createSignedRequestService({
    database,
    entity,
    anchors,
    peers,
    signer: requestSigner,
    clock,
  });
  const { signInIssuers } = config;
  const issuerStates = createIssuerStates({
    httpClient: http,
    issuers: signInIssuers.map(({ issuer }) => issuer),
    clock,
  });
  const signIn = createSignInService({
    entity,
    issuers: signInIssuers,
    states: issuerStates,
    httpClient: http,
    readClientSecret: ({ client }) =>
      client?.secretPath === undefined ? undefined : readSecretFile(client.secretPath),
    nodeKey: secrets.wrappingKey,
    clock,
    random,
  });
  const sessions = createSessionService({ database, clock, random });
  const citizenSessions = createCitizenSessionService({ database, clock, random });
  const identity = createIdentityService({
    database,
    clock,
    random,
    signedRequests,
    issuerTokens: createIssuerTokenService({ entity, issuers: signInIssuers, states: issuerStates, clock }),
  });
  const sealer = createRecordSealer({ entity: names, nodeKey: secrets.wrappingKey });
  const namePerson = createPersonNamer(secrets.pseudonymKey);
  const proposalSealer = createProposalSealer({
    entity: names,
    nodeKey: secrets.wrappingKey,
    async findRecordKey(rid) {
      const sealedKey = (await findHeads(database, [rid])).get(rid)?.sealedKey;
      return sealedKey ? sealer.openDataKey({ rid, sealedKey }) : undefined;
    },
    recordErased,
  });
  const proposalBook = createProposalBook({ entity, database, sealer: proposalSealer, namePerson, clock, random });
  const ownRegistries = createRegistryService({
    database,
    writer,
    entity: names,
    clock,
    random,
    findUsed: findUsedRegistries,
    proposals: proposalBook,
  });
  const registries = config.isConsumer ? closeToPublishing(ownRegistries) : ownRegistries;
  const trustMarks = createTrustMarkService({
    database,
    signer: signers.federation,
    entity,
    clock,
    allowLoopbackHttp: config.development,
  });
  const federation = createFederationService({
    database,
    httpClient: http,
    clock,
    entity,
    organizationName: config.organizationName,
    contacts: config.contacts,
    registryTypes: () => registries.listTypes(),
    keys,
    logs,
    superiors: config.superiors,
    allowLoopbackHttp: config.development,
    trustMarks,
    trustMarkClaims: describeTrustMarkRules({
      issuers: config.trustMarkIssuers as JsonObject | undefined,
      owners: config.trustMarkOwners as JsonObject | undefined,
    }),
  });
  const trustMarkChecks = createTrustMarkCheckService({ ...chains, httpClient: http, clock });
  const resolveResponses = createResolveResponseService({
    entity,
    signer: signers.federation,
    anchors,
    clock,
    ...federation,
    findConfiguration: (subject) => findAcceptedConfiguration(database, subject),
    findKnownChain: chains.findKnownChain,
    checkMarks: trustMarkChecks.checkMarks,
    allowLoopbackHttp: config.development,
  });

  const enrolment = createEnrolmentService({
    database,
    entity,
    key: signers.federation.publicKey,
    clock,
    random,
    allowLoopbackHttp: config.development,
    fetchConfiguration: createStatementClient({ httpClient: http, clock }).fetchConfiguration,
  });
  const keyRollover = createKeyRolloverService({
    database,
    httpClient: http,
    entity,
    superiors: config.superiors,
    key: signers.federation.publicKey,
    clock,
  });
  const enrolmentClient = createEnrolmentClient({ httpClient: http, entity, signer: signers.federation, clock });

  const directory = createDirectoryService({
    database,
    findAnchors: async () =>
      anchors.length > 0 || config.superiors.length > 0 ? anchors : federation.describeOwnPin(),
    httpClient: http,
    clock,
    random,
    allowLoopbackHttp: config.development,
  });

  const { searchKey } = secrets;
  const sight = createRecordSight({ database, searchKey });
  const subjects = createSubjectService({ database, registries, searchKey });
  const placeStatus = createStatusPlacer(secrets.statusKey);
  const statusCounter = createCounter({ database, name: "status", block: STATUS_BLOCK });
  // Of a template with a field in it there is a counter for each of the field's values.
  const counters = createBoundedCache<Counter>(COUNTERS_REMEMBERED_MAX);
  const describeAct = createActDescriber(secrets.pseudonymKey);
  const pseudonymOf = (person: string) => formatPseudonym(secrets.pseudonymKey, person);
  const signing = {
    entity: names,
    signer: signers.record,
    sealer,
    searchKey,
    describeAct,
    clock,
    random,
  };
  const drafter = createRecordDrafter({
    ...signing,
    isRefused,
    placeStatus: async () => placeStatus(await statusCounter.next()),
    counter(name) {
      const counter = counters.get(name) ?? createCounter({ database, name, block: 1 });
      counters.set(name, counter);
      return counter;
    },
  });
  const { getConfiguration } = federation;
  const ownChain = createOwnChainService({
    entity,
    superiors: config.superiors,
    anchors,
    getConfiguration,
    chains,
    clock,
    logger,
  });
  const askOwnChain = () => ownChain.getStatements({ outgoing: true });
  const signedClient = createSignedRequestClient({
    httpClient: http,
    entity,
    signer: requestSigner,
    // Nobody is above it and it is nobody's anchor, as far as it knows: a chain of itself alone would convince nobody.
    ownChain: async () =>
      config.superiors.length === 0 && !anchors.some((pin) => pin.entity === entity) ? undefined : askOwnChain(),
    clock,
    random,
  });
  const history = { database, writer, reader, clock, random };
  const keyHistory = createKeyHistoryService({ ...history, secrets, entity });
  const chainArchive = createChainArchiveService({ ...history, ownChain: askOwnChain });
  const statuses = createStatusService({
    ...history,
    entity: names,
    signer: signers.status,
    isRetired: (kid) =>
      kid !== signers.status.publicKey.kid && secrets.rings.status.some(({ publicKey }) => publicKey.kid === kid),
  });
  const proofs = createRecordProofService({ reader, sealer });
  const accessSubjects = createAccessSubjects({
    database,
    entity: names,
    nodeKey: secrets.wrappingKey,
    searchKey,
    random,
    insert: (subjects) =>
      runTransaction(database, async (tx) => {
        // A process with keys of before would make a second row of somebody who has one.
        await sealingGuard.check(tx);
        await insertSubjects(tx, subjects);
      }),
  });
  const consentSealer = createConsentSealer({ entity: names, nodeKey: secrets.wrappingKey });
  const accessEvents = createAccessLog({
    entity: names,
    database,
    logName: ACCESS_LOG,
    writer: accessWriter,
    signer: signers.record,
    guard: joinGuards(
      createConsentGuard({ clock, sealer: consentSealer }),
      createShareGuard({ clock }),
      (one): one is GuardedShare => one.kind === "share" || one.kind === "end-share" || one.kind === "open-share",
    ),
    clock,
    random,
  });
  const logReadings = createReadingLog({ entity: names, accessSubjects, accessLog: accessEvents, pseudonymOf });
  const relations = createConsentRelations({ database, registries, subjects, sealer, clock });
  const consents = createConsentService({
    entity: names,
    database,
    registries,
    subjects,
    relations,
    accessSubjects,
    accessLog: accessEvents,
    sealer: consentSealer,
    signer: signers.record,
    searchKey,
    clock,
  });
  const accessAudit = createAccessAudit({
    database,
    logName: ACCESS_LOG,
    accessSubjects,
    accessLog: accessEvents,
    keys: () => secrets.rings.record.map(({ publicKey }) => publicKey),
    listConsents: createConsentRows({ database, sealer: consentSealer }),
  });
  const localAudit = createLocalAudit({
    records: { reader, origin },
    access: { reader: accessReader, origin: accessOrigin },
    accessAudit,
    keys: () => secrets.rings.log.map(({ publicKey }) => publicKey),
  });
  const usage = createUsageService({
    entity: names,
    database,
    accessSubjects,
    accessLog: accessEvents,
    accessAudit,
    accessReader,
    relations,
    clock,
  });
  const questions = createQuestionService({
    entity: names,
    database,
    registries,
    subjects,
    accessSubjects,
    usage,
    clock,
  });
  const hasMark = async (consumer: string, type: string): Promise<boolean> => {
    try {
      const chain = await chains.getProvenChain(consumer);
      const { held } = await trustMarkChecks.checkMarks(chain, { outgoing: true });
      return held.some((mark) => mark.type === type);
    } catch (error) {
      // Whose marks nobody can prove now carries none.
      if (error instanceof AttestryError) return false;
      throw error;
    }
  };
  const findBases = createBasisFinder({ consents, hasMark, clock });
  const presenter = createPresenter({ entity: names, signer: signers.record, accessReader, clock, random });
  const useBudgets = createBudgets({ database });
  const logBasedReadings = createBasedReadings({
    useBudgets,
    accessSubjects,
    accessLog: accessEvents,
    searchKey,
    clock,
  });
  const disclose = createDisclosureService({
    findBases,
    logReadings: logBasedReadings,
    presenter,
    sealer,
  });
  const readBatch = createRecordBatchService({
    entity: names,
    database,
    registries,
    statuses,
    proofs,
    sight,
    disclose,
  });
  const findArchivedChain = chainArchive.findBefore;
  const evidence = createEvidenceService({
    database,
    registries,
    statuses,
    proofs,
    readBatch,
    sight,
    ownChain: ownChain.getStatements,
    findArchivedChain,
  });
  const anchorEntities = [...new Set(anchors.map((pin) => pin.entity))].filter((anchor) => anchor !== entity);
  const askAnchors = createMovedClient({
    httpClient: http,
    anchors: anchorEntities,
    clock,
    allowLoopbackHttp: config.development,
  });
  const askHome = createHomeAsker({
    own: { names, getChain: ownChain.getChain },
    getChain: chains.getChain,
    findMoved: async (name) => (await directory.findSuccessor(name))?.entity ?? askAnchors(name),
  });
  const logReceived = createReceivedLog({ entity: names, accessSubjects, accessLog: accessEvents, pseudonymOf });
  const pinnedPolicy: VerifierPolicy = { anchors, statusMaxAgeSeconds: STATUS_LIST_SECONDS };
  const resolution = createResolutionService({
    ownEntity: names,
    askHome,
    readHome: createHomeNodeClient(http, signedClient),
    readOwn: evidence.read,
    audience: entity,
    logReceived,
    verifier: createVerifier(pinnedPolicy),
    clock,
    random,
  });
  const consentClient = createConsentClient({ askHome, signed: signedClient });
  const allowLoopbackHttp = config.development;
  const askedAnswers = createAskedAnswers({
    entity,
    names,
    askHome,
    signed: signedClient,
    anchors,
    logReceived,
    clock,
    random,
    allowLoopbackHttp,
  });
  const askedConsents = createAskedConsents({
    database,
    consentClient,
    pseudonymOf,
    clock,
    random,
    keepDays: config.keptReportDays,
    allowLoopbackHttp,
  });
  const consentOffers = createConsentOffers({
    entity,
    directory,
    askHome,
    client: createConsentOfferClient(http),
    clock,
    allowLoopbackHttp,
  });
  const portals = createCitizenPortals({
    entity,
    markType: config.citizenPortalMark,
    anchors: [...new Set(anchors.map((pin) => pin.entity))],
    chains,
    checkMarks: trustMarkChecks.checkMarks,
    httpClient: http,
    clock,
  });
  const changeFeed = createChangeFeed({ entity: names, database, registries, consents, hasMark, clock });
  const erasureNotices = createErasureNotices({
    entity: names,
    database,
    proofs,
    async post(chain, body) {
      await signedClient.postJson(chain, `${chain.entity}/erasure-notices`, body, { isConfidential: true });
    },
    getChain: chains.getChain,
    clock,
    logger,
  });
  const gateways = config.notifications;
  const notificationChoices = createNotificationChoices({ entity: names, database, accessSubjects, gateways });
  // A way out of its own: the operator's gateways may be inside the operator's network, and peers may not lead there.
  const gatewayClient = createHttpClient({
    development: config.development,
    allowedPrivateHosts: gateways.map(({ url }) => new URL(url).hostname),
  });
  const notifications = createNotificationService({
    database,
    gateways,
    accessSubjects,
    choices: notificationChoices,
    send: createNotificationSender({
      issuer: names,
      entity,
      httpClient: gatewayClient,
      signer: signers.record,
      requestSigner,
      clock,
      random,
    }),
    pagesAt: entity,
    clock,
    logger,
  });
  const erasureInbox = createErasureNoticeInbox({ database, getChain: chains.getChain, clock });
  const keptReports = createKeptReportService({
    database,
    clock,
    pseudonymOf,
    keepDays: config.keptReportDays,
  });
  const recordChecks = createRecordCheckService({
    resolution,
    policy: pinnedPolicy,
    entity,
    signer: requestSigner,
    keep: keptReports.keep,
    clock,
    random,
  });
  const { verifyReferences } = resolution;
  /** Who pins no anchor and has no superior is believed for its own registries, by whoever asks it whom it trusts. */
  async function getVerifierPolicy(): Promise<VerifierPolicy> {
    const own = async (): Promise<readonly AnchorPin[]> => {
      const pins = await federation.describeOwnPin();
      if (pins.length > 0) return pins;
      const jwks = { keys: [signers.federation.publicKey.jwk] };
      return [{ entity, jwks, registry_types: [...(await registries.listTypes())].sort() }];
    };
    return { anchors: anchors.length > 0 ? anchors : await own(), statusMaxAgeSeconds: STATUS_LIST_SECONDS };
  }
  const viewer = createRecordViewer({ entity: names, sealer });
  const keyLookups = createKeyLookupService({
    entity: names,
    database,
    registries,
    sight,
    searchKey,
    viewer,
    logReadings,
  });
  const holds = createHoldService({
    entity: names,
    database,
    registries,
    sealer,
    sight,
    describeAct,
    createId: randomUUID,
    clock,
  });
  const ownRecords = createOwnRecordService({
    database,
    registries,
    subjects,
    viewer,
    evidences: evidence,
    logReadings,
    presentCopies: presenter.presentCopies,
    listHolds: holds.list,
  });
  const shareSealer = createShareSealer({ entity: names });
  const sharing = { entity: names, database, registries, accessSubjects, accessLog: accessEvents, clock, random };
  const shares = createShareService({
    ...sharing,
    ownRecords,
    usage,
    sealer: shareSealer,
    signer: signers.record,
    allowLoopbackHttp: config.development,
  });
  const shareOpenings = createShareOpenings({
    ...sharing,
    subjects,
    sealer,
    shareSealer,
    evidences: evidence,
    presenter,
  });
  const findElsewhere = createReferenceLookup({
    askHome,
    findAtHome: createReferenceLookupClient(signedClient),
    clock,
  });
  const referenceKeys = createReferenceKeyService({ entity: names, keyLookups, findElsewhere });
  const referenceWatch = createReferenceWatchService({
    entity: names,
    database,
    registries,
    sealer,
    verifyReferences,
    sight,
    clock,
  });
  // Whoever writes records has the registries from here.
  const writable = config.isConsumer ? closeToWriting(registries) : registries;
  const writing = {
    database,
    writer,
    registries: writable,
    drafter,
    sealer,
    sight,
    searchKey,
    verifyReferences,
    referenceKeys,
  };
  const duplicates = createDuplicateService({ database, registries, viewer, sight, searchKey, logReadings });
  const writes = createWriteOnce({ database, writer, registries, duplicates, searchKey, proposals: proposalBook });
  const recordWrites = createRecordWriteService({ entity: names, viewer, writes, logReadings, ...writing });
  const erasureLedger = {
    path: join(config.directory, ERASURE_LEDGER_FILE),
    key: deriveLedgerKey(secrets.pseudonymKey),
  };
  const erasures = createErasureLedger({ ...erasureLedger, database, logger });
  const stateDrafter = createStateDrafter(signing);
  const versionErasures = createVersionErasureDrafter({ ...signing, database, registries });
  const recordStates = createRecordStateService({
    entity: names,
    viewer,
    writes,
    logReadings,
    ...writing,
    stateDrafter,
    versionErasures,
    holds,
    describeAct,
    backupKeepDays: config.backupKeepDays,
    onErased: erasures.add,
  });
  const replay = createErasureReplay({
    ...erasureLedger,
    database,
    registries,
    stateDrafter,
    versionErasures,
    writer,
    ledger: erasures,
    logger,
  });
  const reconcile = async () => {
    await erasures.reconcile();
    await replay.run();
  };
  const ready = reconcile();
  ready.catch((error: unknown) => logger.error({ err: error }, "reading the erasure ledger failed"));
  const recordReads = createRecordReadService({
    database,
    registries,
    viewer,
    sight,
    logReadings,
    listHolds: holds.list,
  });
  const answers = createAnswerService({
    entity: names,
    database,
    registries,
    keyLookups,
    recordReads,
    viewer,
    sealer,
    sight,
    useBudgets,
    allowAnswer: createAnswerLog({ findBases, logReadings: logBasedReadings, accessReader }),
    signer: signers.record,
    searchKey,
    clock,
  });
  const recordHistory = createRecordHistoryService({
    entity: names,
    database,
    registries,
    sealer,
    viewer,
    sight,
    logReadings,
  });
  const recordSearches = createRecordSearchService({
    database,
    registries,
    viewer,
    sealer,
    sight,
    searchKey,
    logReadings,
  });
  const referencePicks = createReferencePickService({
    entity: names,
    registries,
    recordSearches,
    directory,
    client: createReferencePickClient(http),
    clock,
  });
  const statistics = createStatisticService({ database, registries, sight, searchKey, clock });
  /** Also for who writes hashes beside the log's writer: not by keys that the database goes by no more. */
  const lockRecords = async (tx: Transaction) => {
    await lockLogState(tx, RECORDS_LOG);
    await sealingGuard.check(tx);
  };
  const indexRebuild = createIndexRebuildService({ database, registries, sealer, searchKey, lockRecords });
  const recordNames = createRecordNamesService({ entity: names, database, registries, viewer, sight, logReadings });
  const attachmentSealer = createAttachmentSealer({ entity: names, nodeKey: secrets.wrappingKey, searchKey });
  const attachments = createAttachmentService({
    entity: names,
    database,
    registries,
    sight,
    searchKey,
    sealer: attachmentSealer,
    clock,
    logger,
    viewer,
    logReadings,
  });
  const resealing = {
    database,
    registries,
    sealer,
    attachmentSealer,
    proposalSealer,
    wrapped: {
      people: createSubjectResealing({ database, accessSubjects }),
      consents: createConsentResealing({ database, sealer: consentSealer, searchKey }),
    },
    searchKey,
    lockRecords,
  };
  const sealingRotation = createSealingRotationService({
    database,
    sealing: secrets.sealing,
    guard: sealingGuard,
    steps: createSealingSteps(resealing),
    lockRecords,
    clock,
    logger,
  });
  const imports = createImportService({ ...writing, duplicates, proposals: proposalBook, logReadings });
  const migrations = createMigrationService({ entity: names, ...writing, proposals: proposalBook, logReadings });
  const proposals = createProposalService({
    entity,
    database,
    sealer: proposalSealer,
    namePerson,
    actions: createProposalActions({ ...writing, recordWrites, recordStates, imports, migrations, logReadings }),
    clock,
    logger,
  });
  const readCheckpoint = async () => {
    const note = await reader.checkpoint();
    return { note, ...parseCheckpoint(`${note.split("\n\n")[0]}\n`) };
  };
  const readSize = async () => (await readCheckpoint()).size;
  const exports = createExportService({ entity: names, database, registries, sealer, sight, readSize, logReadings });
  const publishing = {
    entity: names,
    database,
    registries,
    exports,
    signer: signers.record,
    clock,
    readCheckpoint,
    ownChain: () => ownChain.getStatements({ outgoing: false }),
  };
  const openData = createOpenDataService(publishing);

  const app = createApp({
    basePath: config.basePath,
    entity,
    names,
    organizationName: config.organizationName,
    contacts: config.contacts,
    ownRecords,
    usage,
    notifications,
    notificationChoices,
    shares,
    openShare: createShareDoor(shareOpenings),
    portals,
    useCitizenBudget: createCitizenBudget({ useBudgets, searchKey, clock }),
    questions,
    nameParty: createPartyNamer({ own: [entity, names], ownName: config.organizationName, chains }),
    development: config.development,
    version: readProgramVersion(),
    superiors: config.superiors,
    logger,
    identity,
    sessions,
    citizenSessions,
    signIn,
    registries,
    recordWrites,
    recordStates,
    holds,
    backupKeepDays: config.backupKeepDays,
    proposals,
    recordReads,
    recordHistory,
    recordSearches,
    duplicates,
    statistics,
    recordNames,
    sight,
    referencePicks,
    clock,
    evidence,
    imports,
    migrations,
    exports,
    openData,
    attachments,
    keyLookups,
    referenceWatch,
    statuses,
    issuerKeys: keys,
    answers,
    askedAnswers,
    consents,
    changeFeed,
    erasureInbox,
    pseudonymOf,
    ownChain: () => ownChain.getStatements({ outgoing: false }),
    resolution,
    keptReports,
    recordChecks,
    askedConsents,
    consentOffers,
    pinnedPolicy,
    isConsumer: config.isConsumer,
    getVerifierPolicy,
    federation,
    resolveResponses,
    trustMarks,
    keyHistory,
    chainArchive,
    enrolment,
    directory,
    readers: new Map([
      [RECORDS_LOG, reader],
      [ACCESS_LOG, accessReader],
    ]),
    reader,
    countRecords: () => countRecords(database),
  });
  const jobs = startJobs({
    database,
    clock,
    logger,
    checkReferences: referenceWatch.checkDue,
    rebuildIndex: indexRebuild.run,
    ...(options.isServed && { rotateSealing: sealingRotation.run }),
    reconcileErasures: erasures.reconcile,
    purgeNonces: signedRequests.purgeNonces,
    purgeSessions: () => Promise.all([sessions.purge(), citizenSessions.purge()]),
    sweepProposals: proposals.sweep,
    purgeReports: async () => {
      await keptReports.purge();
      await askedConsents.purge();
    },
    sendErasureNotices: erasureNotices.send,
    sendNotifications: notifications.start,
    followKeys: async () => secrets.followKeys(clock()),
    renewChain: ownChain.renewIfDue,
    archiveChain: chainArchive.archive,
    refreshSubordinates: () => keyRollover.refreshSubordinates(),
    ...(config.keepsDirectory && { refreshDirectory: directory.refreshIfDue }),
  });
  // A rotation that ended between key file and log is completed now.
  const recorded = keyHistory.recordEvents().catch((error: unknown) => {
    logger.error({ err: error }, "logging what happened to the keys failed");
  });

  return {
    config,
    entity,
    basePath: config.basePath,
    listen: config.listen,
    fetch: (request) => app.fetch(request),
    identity,
    sessions,
    registries,
    subjects,
    consents,
    usage,
    notifications,
    notificationChoices,
    questions,
    ownRecords,
    shares,
    shareOpenings,
    accessAudit,
    localAudit,
    accessReader,
    signedClient,
    consentClient,
    askedConsents,
    recordWrites,
    proposals,
    referenceWatch,
    federation,
    keyHistory,
    chainArchive,
    keyRollover,
    enrolment,
    enrolmentClient,
    federationKey: signers.federation.publicKey.kid,
    directory,
    chains,
    ownChain,
    trustMarks,
    trustMarkChecks,
    resolution,
    keptReports,
    sealingRotation,
    writer,
    reader,
    ready,
    async close() {
      await Promise.allSettled([ready, recorded]);
      await jobs.stop();
      await notifications.settle();
      gatewayClient.close();
      await Promise.all([writer.close(), accessWriter.close()]);
      http.close();
    },
  };
}
