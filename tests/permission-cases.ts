// What each operation of the API is for whom, written by hand apart from src/: a request that gets as far as it may and changes nothing, and who may. Test code only.
import type { Json, JsonObject } from "../src/crypto/json.ts";
import type { Role } from "../src/identity/caller.ts";
import type { Answer } from "./node-fixture.ts";

export type Access = "public" | "members" | "consent";

/**
 * A caller as the matrix has it. `registries`: which the token is for. `claim`: of the district, by which every registry of the matrix
 * binds its staff: the one, every one, or no claim at all.
 */
export type MatrixCaller =
  | { readonly kind: "stranger" | "node" }
  | {
      readonly kind: "staff";
      readonly role: Role;
      readonly registries: "every" | "own" | "foreign";
      readonly claim: "district" | "every district" | "none";
    };

/** Whether a record is of the district of the claim. */
export type Place = "within" | "outside";

/** A record that requests are about, and what leads to it. */
export interface Subject {
  readonly registry: string;
  readonly rid: string;
  readonly href: string;
  readonly code: string;
  readonly name: string;
  /** Digest of the file that it holds. */
  readonly file: string;
  readonly district: string;
  /** A change of it that waits for approval, and one that was withdrawn. */
  readonly proposal: string;
  readonly withdrawn: string;
}

export interface MatrixRequest {
  readonly method: string;
  readonly path: string;
  readonly json?: Json;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

export type MayCall = (caller: MatrixCaller, access: Access, place: Place) => boolean;

export interface MatrixCase {
  /** The action that the document must name first. */
  readonly action: string;
  readonly may: MayCall;
  /** Statuses of an answer to who may. */
  readonly answers: readonly number[];
  readonly ask: (about: Subject) => MatrixRequest;
  /** Where a refusal is told by more than a status of 401 or 403. */
  readonly isRefused?: (answer: Answer) => boolean;
  /** Who finds the record in the answer; nobody else who is answered does. */
  readonly finds?: MayCall;
  /** Whether who may read personal fields is shown them here; nobody else ever is. */
  readonly showsPersonal?: true;
}

const READERS: readonly Role[] = ["registrar", "approver", "reader"];

const EVERYBODY: MayCall = () => true;

/** Staff of these roles whose token is for the registry. */
const staffOf =
  (...roles: Role[]): MayCall =>
  (caller) =>
    caller.kind === "staff" && roles.includes(caller.role) && caller.registries !== "foreign";

/** Staff of these roles whose token is for every registry. */
const ofEvery =
  (...roles: Role[]): MayCall =>
  (caller) =>
    caller.kind === "staff" && roles.includes(caller.role) && caller.registries === "every";

const ofNodes: MayCall = (caller) => caller.kind === "node";

const isReaderOfRegistry = staffOf(...READERS);

const isWithin = (caller: MatrixCaller, place: Place): boolean =>
  caller.kind === "staff" && (caller.claim === "every district" || (caller.claim === "district" && place === "within"));

const within =
  (may: MayCall): MayCall =>
  (caller, access, place) =>
    may(caller, access, place) && isWithin(caller, place);

/** Staff for whom nothing of the registry is out of bounds. */
const ofWhole =
  (may: MayCall): MayCall =>
  (caller, access, place) =>
    may(caller, access, place) && isWithin(caller, "outside");

/** Who sees the personal fields of a record. */
export const isReader: MayCall = within(isReaderOfRegistry);

const isOpen: MayCall = (caller, access) => access === "public" || (access === "members" && caller.kind === "node");

/** Everybody what is public, nodes what is for members, and who reads the record anyway. */
const mayRead: MayCall = (...asked) => isOpen(...asked) || isReader(...asked);

/** A list is answered to whoever reads some of the registry, and has only what the caller may read. */
const mayList: MayCall = (...asked) => isOpen(...asked) || isReaderOfRegistry(...asked);

const mayCount: MayCall = (...asked) => isOpen(...asked) || ofWhole(isReaderOfRegistry)(...asked);

const withoutConsent =
  (may: MayCall): MayCall =>
  (caller, access, place) =>
    access !== "consent" && may(caller, access, place);

const NO_CONSENT = "7f0c2a4e-6d1b-4c57-9f3e-2b7a1c9d8e60";

type Ask = MatrixCase["ask"];

const get =
  (path: string | ((about: Subject) => string), headers?: Record<string, string>): Ask =>
  (about) => ({
    method: "GET",
    path: typeof path === "string" ? path : path(about),
    ...(headers && { headers }),
  });

const ofRegistry =
  (below: string): Ask =>
  ({ registry }) => ({ method: "GET", path: `/registries/${registry}${below}` });

const ofRecord =
  (below: string): Ask =>
  ({ registry, rid }) => ({ method: "GET", path: `/registries/${registry}/records/${rid}${below}` });

const post =
  (path: string, json: (about: Subject) => Json): Ask =>
  (about) => ({ method: "POST", path, json: json(about) });

const postTo =
  (below: string, json: (about: Subject) => Json): Ask =>
  (about) => ({ method: "POST", path: `/registries/${about.registry}${below}`, json: json(about) });

// Always of a version that the record never had: who may is told so, and nothing changes.
const STALE = { "if-match": '"9.9"' };

const change = (name: string, json: (about: Subject) => Json = () => ({})): MatrixCase => ({
  action: "record.write",
  may: within(staffOf("registrar")),
  answers: [412],
  ask: (about) => ({
    method: "POST",
    path: `/registries/${about.registry}/records/${about.rid}/${name}`,
    json: json(about),
    headers: STALE,
  }),
});

const open = (action: string, answers: readonly number[], ask: Ask): MatrixCase => ({
  action,
  may: EVERYBODY,
  answers,
  ask,
});

const ofCitizens = (path: string): MatrixCase => ({
  action: "own.read",
  may: () => false,
  answers: [200],
  ask: get(path),
});

const read = (ask: Ask, more: Partial<MatrixCase> = {}): MatrixCase => ({
  action: "record.read",
  may: mayRead,
  answers: [200],
  ask,
  ...more,
});

/** A proposal about a record: whoever may not see it is not told that it is there. */
function proposalCase(path: (about: Subject) => string, json?: Json): MatrixCase {
  return {
    action: json === undefined ? "proposal.read" : "proposal.decide",
    may: within(staffOf("registrar", "approver")),
    answers: json === undefined ? [200] : [409],
    isRefused: ({ body }) => body.code === "proposal_unknown",
    ask: (about) => ({
      method: json === undefined ? "GET" : "POST",
      path: path(about),
      ...(json !== undefined && { json }),
    }),
  };
}

const outcomeOf = (list: string) => (answer: Answer) => (answer.body[list] as JsonObject[])[0]?.outcome;

const NO_DIGEST = "A".repeat(43);

export const MATRIX: Readonly<Record<string, MatrixCase>> = {
  getHealth: open("node.describe", [200], get("/healthz")),
  getReadiness: open("node.describe", [200], get("/readyz")),
  getOpenApi: open("node.describe", [200], get("/openapi.json")),

  getEntityConfiguration: open("federation.speak", [200], get("/.well-known/openid-federation")),
  getIssuerMetadata: open("federation.speak", [200], get("/.well-known/jwt-vc-issuer")),
  fetchSubordinateStatement: open("federation.speak", [400], get("/federation/fetch")),
  listSubordinates: open("federation.speak", [200], get("/federation/list")),
  listSubordinatesExtended: open("federation.speak", [200], get("/federation/extended-list")),
  listDirectory: open("federation.speak", [200], get("/federation/directory")),
  resolveEntity: open(
    "federation.speak",
    [404],
    get("/federation/resolve?sub=https://x.example&trust_anchor=https://x.example"),
  ),
  applyForEnrolment: open(
    "federation.speak",
    [400],
    post("/federation/enrolments", () => ({ configuration: "x" })),
  ),
  proveEnrolment: open(
    "federation.speak",
    [404],
    post(`/federation/enrolments/${NO_DIGEST}/proof`, () => ({ proof: "x" })),
  ),
  getEnrolment: open("federation.speak", [404], get(`/federation/enrolments/${NO_DIGEST}`)),
  leaveSuperior: open(
    "federation.speak",
    [400],
    post("/federation/enrolments/departures", () => ({ departure: "x" })),
  ),
  getHistoricalKeys: open("federation.speak", [200], get("/federation/historical-keys")),
  listKeyEvents: open("federation.speak", [200], get("/federation/key-events")),
  listArchivedChains: open("federation.speak", [200], get("/federation/chains")),
  getArchivedChain: open("federation.speak", [404], get("/federation/chains/unknown")),
  getTrustMark: open("federation.speak", [404], get("/federation/trust-mark?trust_mark_type=x&sub=https://x.example")),
  listTrustMarked: open("federation.speak", [200], get("/federation/trust-marked?trust_mark_type=x")),
  getTrustMarkStatus: open(
    "federation.speak",
    [400],
    post("/federation/trust-mark-status", () => ({})),
  ),

  getLogCheckpoint: open("log.read", [200], get("/log/records/checkpoint")),
  getLogTile: open("log.read", [200], get("/log/records/tile/entries/000.p/1")),
  getLogConsistency: open("log.read", [200], get("/log/records/consistency?from=1&to=2")),

  listRegistries: open("registry.describe", [200], get("/registries")),
  getRegistry: open("registry.describe", [200], ofRegistry("")),
  listRegistryVersions: open("registry.describe", [200], ofRegistry("/versions")),
  getRegistryDefinition: open("registry.describe", [200], ofRegistry("/schema/1")),

  // Nothing is ever published of a registry that is not public.
  getOpenData: { action: "open-data.read", may: EVERYBODY, answers: [200, 404], ask: ofRegistry("/open-data") },
  getOpenDataSet: { action: "open-data.read", may: EVERYBODY, answers: [200, 404], ask: ofRegistry("/open-data/1") },
  getOpenDataFile: {
    action: "open-data.read",
    may: EVERYBODY,
    answers: [200, 404],
    ask: ofRegistry("/open-data/1/records.csv"),
  },

  openShare: open(
    "share.open",
    [404],
    post("/shares:open", () => ({ share: NO_CONSENT, code: "482913005771264" })),
  ),
  getStatusList: open("proof.check", [200], get("/status/0")),
  getVerifierPolicy: open("proof.check", [200], get("/verify/policy")),
  verifyEvidence: open(
    "proof.check",
    [200],
    post("/verify", () => ({ token: "e30.e30.AA~" })),
  ),

  publishRegistry: {
    action: "definition.publish",
    may: staffOf("operator"),
    answers: [422],
    ask: ({ registry }) => ({ method: "PUT", path: `/registries/${registry}`, json: { name: "wrong" } }),
  },

  getRecord: read(ofRecord(""), { showsPersonal: true }),
  listRecordVersions: read(ofRecord("/versions"), { showsPersonal: true }),
  getRecordHistory: read(ofRecord("/history"), { showsPersonal: true }),
  // Who may see the proofs of records about people needs consent, which nobody can show yet.
  getRecordEvidence: read(ofRecord("/evidence"), { may: withoutConsent(mayRead) }),
  getRecordReceipt: read(ofRecord("/receipt"), { may: withoutConsent(mayRead) }),
  listRecords: read(({ registry }) => ({ method: "GET", path: `/registries/${registry}/records` }), {
    may: mayList,
    finds: mayRead,
    showsPersonal: true,
  }),
  searchRecords: read(
    postTo("/records:search", ({ code }) => ({ fields: { code } })),
    { may: mayList, finds: mayRead, showsPersonal: true },
  ),
  exportRecords: read(ofRegistry("/records:export"), { may: mayList, finds: mayRead, showsPersonal: true }),
  getAttachment: read(
    ({ registry, file }) => ({ method: "GET", path: `/registries/${registry}/attachments/${file}` }),
    {
      isRefused: ({ body }) => body.code === "attachment_unknown",
    },
  ),
  // Counts are of all of a registry.
  listStatistics: read(ofRegistry("/statistics"), { may: mayCount }),
  getStatistic: read(ofRegistry("/statistics/by-district"), { may: mayCount }),
  answerQuestion: read(
    post("/answers", ({ href }) => ({
      question: { kind: "exists", record: href },
      audience: "https://welfare.example",
      nonce: "n-0S6_WzA2Mj.kXk4bB9Qw",
      access: { purpose: "benefit-decision", request_id: "W-42-question-1" },
    })),
    { may: withoutConsent(mayRead) },
  ),
  readRecords: read(
    post("/records:read", ({ href }) => ({ references: [{ href }] })),
    {
      may: withoutConsent(mayRead),
      isRefused: (answer) => ["members_only", "consent_required"].includes(String(outcomeOf("records")(answer))),
    },
  ),
  findRecordsByKeys: read(
    post("/records:find", ({ registry, code }) => ({ lookups: [{ registry, key: { code } }] })),
    {
      isRefused: (answer) => outcomeOf("results")(answer) !== "found",
    },
  ),
  resolveReferences: {
    action: "reference.resolve",
    may: withoutConsent(mayRead),
    answers: [200],
    ask: post("/resolve", ({ href }) => ({ references: [href] })),
    isRefused: (answer) => outcomeOf("references")(answer) !== "verified",
  },

  // By tokens that none of these callers has: tests/api/own-data.test.ts.
  listOwnRecords: ofCitizens("/me/api/records"),
  listOwnConsents: ofCitizens("/me/api/consents"),
  listOwnLooks: ofCitizens("/me/api/usage"),

  askForConsent: {
    action: "consent.ask",
    may: ofEvery(...READERS),
    // It is no address of a node.
    answers: [400],
    ask: post("/asked-consents", () => ({
      home: "ftp://civil.example",
      registry: "persons",
      subject: { claim: "national_id", value: "AB-1" },
      purpose: "benefit-decision",
      fields: ["name"],
      expires_at: 4_000_000_000,
    })),
  },
  askQuestion: {
    action: "consent.ask",
    may: ofEvery(...READERS),
    // It is no address of a node.
    answers: [400],
    ask: post("/asked-answers", () => ({
      home: "ftp://civil.example",
      question: { kind: "exists", registry: "persons", key: "1" },
    })),
  },
  listAskedConsents: {
    action: "consent.ask",
    may: ofEvery(...READERS),
    answers: [200],
    ask: get("/asked-consents"),
  },
  refreshAskedConsent: {
    action: "consent.ask",
    may: ofEvery(...READERS),
    answers: [404],
    ask: () => ({ method: "POST", path: `/asked-consents/${NO_DIGEST}/refresh` }),
  },

  listNotificationGateways: {
    action: "notification.watch",
    may: ofEvery("operator"),
    answers: [200],
    ask: get("/notification-gateways"),
  },

  requestConsent: {
    action: "consent.request",
    may: ofNodes,
    // The registry of the matrix says of nobody that a record is about him.
    answers: [400, 422],
    ask: post("/consents", ({ registry }) => ({
      request_id: "request-0001",
      registry,
      subject: { claim: "national_id", value: "AB-1" },
      purpose: "benefit-decision",
      fields: ["name"],
      expires_at: 4_000_000_000,
    })),
  },
  readConsents: {
    action: "consent.request",
    may: ofNodes,
    answers: [404],
    ask: post("/consents:read", () => ({ ids: [NO_CONSENT] })),
  },
  assistConsent: {
    action: "consent.assist",
    may: ofWhole(staffOf("registrar")),
    answers: [404],
    ask: postTo("/consents:assist", () => ({
      id: NO_CONSENT,
      decision: "refuse",
      witness: "Asha",
      evidence: NO_DIGEST,
    })),
  },
  invalidateConsent: {
    action: "consent.assist",
    may: ofWhole(staffOf("registrar")),
    answers: [404],
    ask: postTo("/consents:invalidate", () => ({ id: NO_CONSENT })),
  },
  readChanges: {
    action: "consent.request",
    may: ofNodes,
    answers: [200],
    ask: post("/changes:read", () => ({})),
  },
  takeErasureNotices: {
    action: "consent.request",
    may: ofNodes,
    // Of a record that is not the caller's.
    answers: [400, 502],
    ask: post("/erasure-notices", ({ href }) => ({
      notices: [{ href, number: 1, statement: "e30.e30.e30", receipt: "c2sp.org/tlog-proof@v1" }],
    })),
  },
  listErasureNotices: {
    action: "peer.read",
    may: ofEvery(...READERS),
    answers: [200],
    ask: get("/erasure-notices"),
  },

  findDuplicates: {
    action: "record.inspect",
    may: isReaderOfRegistry,
    finds: isReader,
    answers: [200],
    ask: postTo("/records:duplicates", ({ name }) => ({ data: { code: "none", name } })),
  },
  listAcceptedReferences: {
    action: "record.inspect",
    may: isReaderOfRegistry,
    finds: isReader,
    answers: [200],
    // Those whose record is not there.
    ask: ofRegistry("/references"),
  },

  createRecord: {
    action: "record.write",
    may: within(staffOf("registrar")),
    answers: [409],
    // The code is another record's already.
    ask: postTo("/records", ({ code, district }) => ({ data: { code, name: "Twice", district } })),
  },
  amendRecord: {
    action: "record.write",
    may: within(staffOf("registrar")),
    answers: [412],
    ask: ({ registry, rid }) => ({
      method: "PATCH",
      path: `/registries/${registry}/records/${rid}`,
      json: { data: { name: "Other" } },
      headers: STALE,
    }),
  },
  suspendRecord: change("suspend"),
  reinstateRecord: change("reinstate"),
  revokeRecord: change("revoke"),
  endRecord: change("end"),
  replaceRecord: change("replace", ({ href }) => ({ by: [href] })),
  eraseRecord: change("erase", () => ({ act: { reason: "asked for" } })),
  eraseRecordVersion: change("versions/1/erase", () => ({ act: { reason: "asked for" } })),
  // Without a case and a ground.
  holdRecord: {
    ...change("hold"),
    action: "record.hold",
    may: within(staffOf("registrar", "approver")),
    answers: [400],
  },
  releaseRecord: { ...change("release"), action: "record.release", may: within(staffOf("approver")), answers: [400] },
  uploadAttachment: {
    action: "record.write",
    may: staffOf("registrar"),
    answers: [422],
    ask: ({ registry }) => ({
      method: "POST",
      path: `/registries/${registry}/attachments`,
      body: "no such file",
      headers: { "content-type": "application/pdf" },
    }),
  },

  listProposals: {
    action: "proposal.read",
    may: staffOf("registrar", "approver", "operator"),
    finds: within(staffOf("registrar", "approver")),
    answers: [200],
    ask: ({ registry }) => ({ method: "GET", path: `/proposals?registry=${registry}` }),
  },
  getProposal: { ...proposalCase(({ proposal }) => `/proposals/${proposal}`), showsPersonal: true },
  approveProposal: proposalCase(({ withdrawn }) => `/proposals/${withdrawn}/approve`, {}),
  returnProposal: proposalCase(({ withdrawn }) => `/proposals/${withdrawn}/return`, { reason: "late" }),
  // For nobody but who proposed it, who is none of these.
  withdrawProposal: {
    ...proposalCase(({ proposal }) => `/proposals/${proposal}/withdraw`, {}),
    action: "proposal.read",
    may: () => false,
  },

  importRecords: {
    action: "record.import",
    may: within(staffOf("registrar")),
    answers: [200],
    isRefused: ({ text }) => text.includes("permission_denied"),
    ask: ({ registry, code, district }) => ({
      method: "POST",
      path: `/registries/${registry}/records:import`,
      body: `${JSON.stringify({ data: { code, name: "Twice", district } })}\n`,
      headers: { "content-type": "application/x-ndjson" },
    }),
  },
  migrateRecords: {
    action: "record.import",
    // It goes through all of a registry.
    may: ofWhole(staffOf("registrar")),
    answers: [200],
    ask: postTo("/records:migrate", () => ({ plan: { to: 2, steps: [] }, dryRun: true })),
  },
};
