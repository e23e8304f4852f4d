// Every maximum and timeout, unit in the name. Passing one gives a clear error; nothing else may hold such a number.

// Input
export const JSON_DEPTH_MAX = 64;
export const BODY_BYTES_MAX = 1_048_576;
export const IMPORT_BODY_BYTES_MAX = 8 * 1_048_576;
export const IMPORT_FILLS_MAX = 500; // fields that an import says its rows fill
export const IMPORT_ROWS_MAX = 2_000;
export const IMPORT_LINE_BYTES_MAX = 1_048_576;
export const IMPORT_ROW_NAME_CHARS_MAX = 100;
export const HEADER_IDEMPOTENCY_KEY_CHARS_MAX = 200;
export const QUERY_PARAMETERS_MAX = 50;
export const REQUEST_FAULTS_MAX = 50; // of one body, each told by its place
export const PAGE_SIZE_MAX = 500;
export const PAGE_SIZE_DEFAULT = 50;
export const PAGE_TOKEN_CHARS_MAX = 4 * 1_048_576; // of all records on a page, which ends earlier where they are large

// Search
export const SEARCH_VALUE_CHARS_MAX = 200; // of a text in the index; longer ones stand there with their hash
export const SEARCH_CONDITIONS_MAX = 10;
export const SEARCH_COUNT_MAX = 10_000; // counted exactly up to here
// How a search looks for a page, stage after stage: it gathers and sorts the matches where there are at most so many, and else looks at
// rows in the order asked for, in windows of so many. What is cheap comes first: to look at a row takes as long as to gather five matches.
export const SEARCH_STAGES: readonly { readonly gathered: number; readonly windows: readonly number[] }[] = [
  { gathered: 2_000, windows: [400] },
  { gathered: 12_000, windows: [4_000] },
  { gathered: 40_000, windows: [40_000] },
];
export const CURSOR_CHARS_MAX = 2_000;
export const DUPLICATE_CANDIDATES_MAX = 10;
export const STATISTIC_CELLS_MAX = 5_000; // of all statistics of a registry together
export const STATISTIC_CELLS_LOOKED_AT_MAX = 1_000_000; // to find what must be hidden beside the small ones; then all is
export const STATISTIC_SECONDS = 10; // a count may be so old
export const STATISTIC_TABLES_REMEMBERED_MAX = 100;
export const INDEX_REBUILD_RECORDS = 200; // per transaction, which holds the log's lock
export const INDEX_REBUILD_INTERVAL_MS = 5_000;
export const SEALING_RECORDS = 50; // per transaction, which holds the log's lock
export const SEALING_PAUSE_MS = 10; // between two of them, for who waits to write
export const SEALING_LISTED = 1_000; // read at once where only keys are opened
export const SEALING_INTERVAL_MS = 10_000;

// Records
export const RECORD_BYTES_MAX = 65_536;
export const TOKEN_CHARS_MAX = 262_144;
export const DISCLOSURES_MAX = 1_000;
export const IDENTIFIER_CHARS_MAX = 80;
export const ERASURE_PAGE_ROWS = 1_000;
/** Holds that stand on a record at once; and as many of those that ended are kept. */
export const HOLDS_PER_RECORD_MAX = 64;
/** Versions of a record that are opened at a time to see which files others than the erased one hold. */
export const ERASURE_VERSIONS_PAGE = 100;
export const REPLACE_RECORDS_MAX = 50; // on either side of a merger or a split
export const ATTACHMENT_BYTES_MAX = 10 * 1_048_576;
export const ATTACHMENT_NAME_CHARS_MAX = 200;
export const ATTACHMENT_CACHE_SECONDS = 3_600;
export const ATTACHMENTS_UNHELD_MAX = 1_000; // of one registry
export const ATTACHMENT_UNHELD_SECONDS = 86_400; // after which a file that no record holds is removed
export const IDENTIFIER_ATTEMPTS_MAX = 50; // numbers drawn for one record, where others have them already
export const RECORDS_FIND_MAX = 1_000;
export const REFERENCE_KEY_SECONDS = 30;
export const REFERENCE_KEYS_REMEMBERED_MAX = 50_000;
export const REFERENCE_CHECK_INTERVAL_MS = 60_000;
export const REFERENCE_CHECK_RECORDS_MAX = 500; // in one round
export const REFERENCE_CHECK_LEASE_SECONDS = 300;
export const REFERENCE_FAULTS_MAX = 20; // kept of one record
export const COUNTERS_REMEMBERED_MAX = 1_000;
export const REFERENCE_CHECK_SECONDS_MIN = 60; // doubled by each check that failed
export const REFERENCE_CHECK_SECONDS_MAX = 86_400; // and of what was verified
export const VERSION_MAX = 2_147_483_647; // PostgreSQL's integer
export const DISPLAY_CHARS_MAX = 200;
export const DEFINITION_BYTES_MAX = 262_144;
export const FIELD_TEXT_CHARS_MAX = 2_000;
export const FIELD_LABELS_MAX = 1_000;
export const DRAFT_CHOICES_MAX = 12; // different values of a column that may be all there are
export const DRAFT_COLUMNS_MAX = 200;
export const DRAFT_PAIR_COLUMNS_MAX = 8;
export const DRAFT_VALUES_REMEMBERED_MAX = 2_000_000; // of all columns together, to see which are unique
export const MIGRATION_BATCH_RECORDS_MAX = 500;
export const MIGRATION_EXAMPLES_MAX = 5;
export const MIGRATION_ATTEMPTS_MAX = 3; // for records that somebody else changes meanwhile
export const DEFINITION_CACHE_SECONDS = 2;
export const DEFINITION_CACHE_ENTRIES_MAX = 1_000;
export const IDEMPOTENCY_SECONDS = 86_400;
export const SWEEP_INTERVAL_MS = 600_000;

// Keys and tokens
export const IMPORTED_KEYS_MAX = 1_000;
export const JWS_CHARS_MAX = 262_144;
export const KEY_SET_KEYS_MAX = 32;
export const KEY_RING_KEYS_MAX = 200; // of one role, over the years
export const SOUND_KEYS_REMEMBERED_MAX = 10_000;
export const BEARER_TOKEN_SECONDS_DEFAULT = 12 * 3_600;
export const PSEUDONYMS_REMEMBERED_MAX = 1_000;
export const BEARER_CACHE_SECONDS = 2;
/** Of one value of a claim that binds a token to a jurisdiction, and of all values of one token. */
export const CLAIM_CHARS_MAX = 200;
export const CLAIM_VALUES_MAX = 100;
export const BEARER_CACHE_ENTRIES_MAX = 1_000;

// Sign-in by OpenID Connect
export const SIGN_IN_ISSUERS_MAX = 10; // of one node
export const SIGN_IN_ROLES_MAX = 500; // of one issuer's groups that mean a role here
export const SIGN_IN_SCOPE_REGISTRIES_MAX = 1_000; // that a token names
export const ISSUER_TOKEN_CHARS_MAX = 16_384;
export const ISSUER_SUBJECT_CHARS_MAX = 255; // OpenID Connect Core §2
export const ISSUER_NAME_CHARS_MAX = 200;
export const ISSUER_TOKEN_SECONDS_MAX = 86_400; // from iat to exp: a token that was taken away cannot be called back
export const CITIZEN_TOKEN_SECONDS_MAX = 600; // the same, of a citizen's: it opens all that is theirs here
export const ISSUER_KEYS_MAX = 32;
export const ISSUER_ANSWER_BYTES_MAX = 262_144; // of its configuration, its keys, its tokens
export const ISSUER_KEYS_SECONDS = 300; // after which they are asked for anew: a key that the issuer gave up is believed no longer
export const ISSUER_KEYS_REFRESH_SECONDS = 10; // at least, between two askings of one issuer, however many tokens name unknown keys
export const ISSUER_KEYS_HELD_SECONDS = 3_600; // while the issuer does not answer
export const SIGN_IN_SECONDS = 600; // to go to the issuer and come back
export const SESSION_SECONDS = 10 * 3_600; // a working day; then people sign in again, and their groups are read anew
export const SESSION_IDLE_SECONDS = 30 * 60;
export const SESSION_SEEN_SECONDS = 60; // between two notes that somebody is there
export const SESSIONS_LISTED_MAX = 1_000;
export const LANGUAGE_COOKIE_SECONDS = 365 * 86_400; // for which a browser keeps the language that its reader chose
export const STAFF_TOKENS_LISTED_MAX = 1_000;
export const FORM_BYTES_MAX = 65_536; // of a form on a page

// Checking on a page, and the reports that are kept of it
export const CHECK_REFERENCES_MAX = 20; // in one form
export const CHECK_RECORDS_MAX = 200; // of one form with all that is followed; each has a report of its own
export const CHECK_HREF_CHARS_MAX = 2_000;
export const CASE_NUMBER_CHARS_MAX = 100;
export const CHECK_PURPOSE_CHARS_MAX = 300;
export const KEPT_REPORT_DAYS_DEFAULT = 3_653; // ten years

export const KEY_ANNOUNCE_SECONDS = 2 * 3_600; // a new key is published so long before it signs: STATEMENT_SECONDS, and time to restart the node
export const KEY_OVERLAP_SECONDS = 2 * 3_600; // a retired key is published on, and signs checkpoints beside the new one
export const KEY_FOLLOW_INTERVAL_MS = 10_000;
export const KEY_EVENTS_MAX = 1_000; // listed at once
export const KEY_FILE_LOCK_MS = 30_000;

// Log
export const LOG_ENTRY_BYTES_MAX = 65_535;
export const LOG_BATCH_ENTRIES_MAX = 512;
export const LOG_UNIT_ENTRIES_MAX = 256; // written together or not at all
export const LOG_QUEUE_ENTRIES_MAX = 10_000;
export const LOG_OPEN_SIZES_KEPT = 4; // sizes of a log whose open tiles a reader keeps: those that readers are at
export const LOG_TILE_CACHE_TILES_MAX = 512; // 16 KB each
export const LOG_ENTRY_CACHE_ENTRIES_MAX = 20_000;
export const LOG_TRANSACTION_IDLE_MS = 15_000; // a process that hangs inside its transaction loses the log's lock
export const LOG_BATCH_RETRIES_MAX = 5; // after a deadlock or a serialization failure
export const NOTE_BYTES_MAX = 65_536;
export const NOTE_SIGNATURES_MAX = 64;
export const PROOF_HASHES_MAX = 63;
export const RECEIPT_CHARS_MAX = 160_000; // a checkpoint, 63 hashes and an extra line, each at its own maximum
export const AUDIT_PROBLEMS_MAX = 1_000;

// Federation
// Enrolment: what strangers may leave with a superior, and for how long.
export const ENROLMENTS_CHALLENGED_MAX = 1_000; // without a proof yet; beyond, the oldest make room
export const ENROLMENTS_PENDING_MAX = 1_000;
export const ENROLMENTS_PENDING_PER_ENTITY_MAX = 3;
export const ENROLMENT_BODY_BYTES_MAX = 100_000;
export const ENROLMENT_CHALLENGE_SECONDS = 600;
export const ENROLMENT_PROOF_SECONDS_MAX = 300;
export const ENROLMENT_KEPT_SECONDS = 30 * 86_400; // how long an application waits, and is told what became of it
export const ENROLMENT_CODE_SECONDS_MAX = 30 * 86_400;
export const MOVED_SECONDS = 60; // how long an anchor's word on where a member went is remembered, also that it knows of nothing
export const MOVED_REMEMBERED_MAX = 10_000;
export const MOVED_ANSWER_BYTES_MAX = 65_536;
export const FORMERLY_MAX = 10; // names that one entity had before it moved
export const ENTITY_TYPES_MAX = 20; // of a subordinate that are remembered, and of a list's filter
export const EXTENDED_LIST_ENTITIES_DEFAULT = 100; // of one page, each with a fresh signature
export const EXTENDED_LIST_ENTITIES_MAX = 500;
// Directory: what one superior, and all together, may cost a node that keeps one.
export const DIRECTORY_REFRESH_SECONDS = 300;
export const DIRECTORY_JOB_INTERVAL_MS = 30_000; // looks whether a refresh is due
export const DIRECTORY_FULL_LIST_SECONDS = 1_200; // in between, superiors are asked for what changed only
export const DIRECTORY_RENEW_SECONDS = 600; // a statement is fetched anew when it has no more than this to live
export const DIRECTORY_RETRY_SECONDS_MAX = 21_600;
export const DIRECTORY_HELD_SECONDS = 120; // by a process that refreshes; it renews this while it works
export const DIRECTORY_ROUND_MS_MAX = 900_000; // what is left is for the next refresh
export const DIRECTORY_PAGE_ENTITIES = 500; // asked for at a time
export const DIRECTORY_DUE_PAGE = 100; // members read from the database at a time, with their statements
export const DIRECTORY_LIST_PAGES_MAX = 1_000;
export const DIRECTORY_SUBORDINATES_MAX = 20_000; // of one superior
export const DIRECTORY_SUPERIORS_MAX = 2_000;
export const DIRECTORY_ENTRIES_MAX = 50_000;
export const DIRECTORY_FAILURES_MAX = 100; // of one superior's subordinates in one refresh, then the others wait for the next
export const DIRECTORY_SUPERIORS_AT_ONCE = 4;
export const DIRECTORY_MEMBERS_AT_ONCE = 8; // of one superior
export const DIRECTORY_GONE_SECONDS = 30 * 86_400; // how long those that nobody vouches for any more are told of
export const CHAIN_MEMORY_STATEMENTS_MAX = 1_000; // of superiors, read and proven; about 5 KB each
export const STATE_REASON_CHARS_MAX = 500; // why a subordinate is suspended, an applicant refused
export const TRUST_MARKS_CARRIED_MAX = 20; // by one entity
export const TRUST_MARKS_CARRIED_CHARS_MAX = 50_000; // of all of them, so that a configuration stays one that others take
export const TRUST_MARK_TYPES_MAX = 200; // that an anchor recognises
export const TRUST_MARK_TYPE_CHARS_MAX = 1_000;
export const TRUST_MARK_ISSUERS_MAX = 1_000; // of one type
export const TRUST_MARK_CHARS_MAX = 16_384;
export const TRUST_MARK_SECONDS_MAX = 5 * 366 * 86_400;
export const STATEMENT_SECONDS = 3_600;
export const CLOCK_SKEW_SECONDS = 60;
export const TIME_SECONDS_MAX = 8_640_000_000_000; // the last moment that dates of ECMAScript have
export const CHAIN_DEPTH_MAX = 8;
export const OWN_CONFIGURATION_SECONDS = 2; // signed anew for whoever relies on a node that nobody is above
export const OWN_CHAIN_CHECK_MS = 500;
export const OWN_CHAIN_RETRY_SECONDS_MAX = 30; // where no superior vouches for the node
export const CHAIN_ARCHIVE_SECONDS = 86_400; // archived anew, though nothing that matters has changed
export const CHAIN_ARCHIVE_CHECK_MS = 60_000;
export const CHAIN_ARCHIVE_PAGE = 100;
export const SUBORDINATE_KEYS_INTERVAL_MS = 600_000;
export const SUBORDINATE_KEYS_ROUND_MAX = 200; // subordinates asked in one round
export const ANCHOR_PINS_MAX = 100;
export const AUTHORITY_HINTS_MAX = 16;
// One call to a peer; the whole of it, its attempts together.
export const FETCH_TIMEOUT_MS = 5_000;
export const FETCH_HEAD_TIMEOUT_MS = 4_000; // of an attempt, until the head of the answer is there
export const FETCH_BYTES_MAX = 16 * 1_048_576; // of a body
export const FETCH_HEADER_BYTES_MAX = 16_384;
export const FETCH_HEADERS_MAX = 100;
export const FETCH_FRAMING_BYTES_MAX = 262_144; // on the wire, beside a body and as many bytes again: heads, sizes of chunks, what is read ahead
export const FETCH_INTERIM_ANSWERS_MAX = 8; // 1xx before the answer
export const FETCH_ATTEMPTS_MAX = 3; // of what may be repeated
export const FETCH_RETRY_DELAY_MS = 100; // doubled by each attempt, and then a random part of it
export const FETCH_RETRY_DELAY_MS_MAX = 1_000;
export const FETCH_RETRY_AFTER_MS_MAX = 2_000; // who asks for more patience is not waited for
// All calls together.
export const PEER_CALLS_MAX = 64; // to one peer at a time
export const PEER_CALLS_ALL_MAX = 512;
export const PEER_CALLS_WAITING_MAX = 512; // for one peer
export const PEER_CALLS_WAITING_ALL_MAX = 4_096;
export const PEER_ANSWER_BYTES_ALL_MAX = 256 * 1_048_576; // of the bodies that are being read
export const PEER_SOCKETS_IDLE_MAX = 16; // to one peer
export const PEER_SOCKET_IDLE_MS = 10_000;
export const PEER_LOOKUP_MS = 1_000; // of one question to a name server, which is asked twice
export const PEER_LOOKUP_SECOND_MS = 100; // for the other address family, once one has answered
export const PEER_ADDRESSES_MAX = 16; // of one name
export const STATEMENT_BYTES_MAX = 262_144;
export const CHAIN_CACHE_ENTRIES_MAX = 20_000; // of nodes, about 5 KB each: more than ten thousand departments, so that none drives out another
export const CHAIN_SUPERIORS_MAX = 1_000; // configurations of superiors, statements about them, chains of entities that are no nodes
export const CHAIN_WALK_MS_MAX = 15_000;
export const CHAIN_WALK_FETCHES_MAX = 64;
export const SUPERIOR_CONFIGURATION_SECONDS = 300;
export const CHAIN_FAILURE_SECONDS = 5;
export const ENTITY_IDENTIFIER_CHARS_MAX = 1_024;
export const REGISTRY_TYPES_MAX = 1_000;

// Signed requests between nodes
export const STRUCTURED_FIELD_CHARS_MAX = 32_768; // no more than all headers of a request may have
export const STRUCTURED_FIELD_MEMBERS_MAX = 64;
export const SIGNATURE_WINDOW_SECONDS_MAX = 300; // from created to expires
export const SIGNED_REQUEST_SECONDS = 120; // our own requests and answers
export const ATTACHED_CHAIN_CHARS_MAX = 24_576; // of the header; the rest of the request needs room below HTTP_HEADER_BYTES_MAX
export const PEERS_REMEMBERED_MAX = 10_000; // chains of those that met us; to whom ours was shown; who refused it
export const CHAIN_SHOWN_SECONDS = 600; // after which our chain is attached again unasked
export const CHAIN_REFUSED_SECONDS = 60; // for which a peer that refused our chain is asked unsigned

// Resolution
export const RESOLVE_REFERENCES_MAX = 2_000;
export const RESOLVE_DEPTH_MAX = 6;
export const RESOLVE_FANOUT_MAX = 20_000;
export const FOLLOW_PATHS_MAX = 20;
export const REFERENCE_CACHE_ENTRIES_MAX = 50_000;
export const RESOLVE_DEADLINE_MS = 30_000;
export const RECORDS_READ_MAX = 1_000;
export const RECORDS_READ_TOKEN_CHARS_MAX = 12 * 1_048_576; // of all records in one answer; with their receipts below FETCH_BYTES_MAX
export const RECORDS_READ_UNWEIGHED_MAX = 32; // of any size

// Status lists
export const STATUS_LIST_ENTRIES = 131_072; // 2^17
export const STATUS_LIST_SECONDS = 300;
export const STATUS_LIST_TTL_SECONDS = 5; // a change is seen by everyone within these
export const STATUS_LIST_CHECK_SECONDS = 1; // that a process hands out a list without asking whether something changed
export const STATUS_LIST_SIGN_SECONDS = 2; // between two signatures of a list, however much changes and whoever asks: each is an entry of the log
export const STATUS_LIST_CACHE_SECONDS = 2; // in caches of HTTP on the way; with the two above, STATUS_LIST_TTL_SECONDS
export const STATUS_LIST_RENEW_SECONDS = 150; // after which a list is signed anew though nothing changed: at most 576 entries of the log a day
export const STATUS_LISTS_REMEMBERED_MAX = 64; // 32 KB each, and their tokens
export const STATUS_LIST_INFLATED_BYTES_MAX = 1_048_576;

// Other implementations of SD-JWT VC
export const ISSUER_METADATA_SECONDS = 300; // that readers may keep the keys unasked

// Signed answers
export const ANSWER_SECONDS = 300; // that one may be shown
export const ANSWER_WINDOW_SECONDS = 3_600;
export const ANSWERS_PER_CALLER_MAX = 5_000; // in one window, of a node or a token of staff
export const ANSWERS_PER_RECORD_MAX = 30; // "matches" of one record, for one such caller
export const ANSWERS_PER_RECORD_ANONYMOUS_MAX = 300; // the same, for all strangers together
export const BUDGET_CALLS_TOGETHER_MAX = 256; // that one statement counts
export const ANSWER_FIELDS_MAX = 50;
export const ANSWER_CHARS_MAX = 65_536; // of a signed answer that is read

// Database
export const DATABASE_LOCK_TIMEOUT_MS = 120_000;
export const DATABASE_START_TIMEOUT_MS = 60_000; // replaying the WAL after a crash counts as starting
export const DATABASE_STOP_TIMEOUT_MS = 30_000;
export const DATABASE_BUFFERS_MB_MIN = 128; // shared_buffers of the embedded server: a sixteenth of the memory, within these
export const DATABASE_BUFFERS_MB_MAX = 1_024;
export const DATABASE_CONNECTIONS_MAX = 100;
export const DATABASE_POOL_CONNECTIONS_DEFAULT = 10;
export const DATABASE_BOUNDED_CONNECTIONS_MAX = 4; // beside the pool; for searches
export const DATABASE_BOUNDED_STATEMENT_MS = 5_000;
export const DATABASE_CONNECT_TIMEOUT_SECONDS = 10;
export const DATABASE_RECONNECT_SECONDS_MAX = 0.25;
export const DATABASE_CLOSE_TIMEOUT_SECONDS = 10;
export const DATABASE_ANSWER_TIMEOUT_MS = 2_000;
export const DATABASE_BEGIN_ATTEMPTS_MAX = 4;
export const DATABASE_LOG_BYTES_MAX = 16 * 1_048_576;

// Verification
export const EVIDENCE_CHARS_MAX = 8 * 1_048_576;
export const WITNESS_POLICY_LINES_MAX = 256;
export const WITNESS_POLICY_CHARS_MAX = 65_536;
export const VERIFIER_POLICY_CHARS_MAX = 1_048_576;
export const VERIFIER_AGE_SECONDS_MAX = 100 * 31_557_600; // a hundred years: who judges archives may say so
export const PATTERN_CHARS_MAX = 1_000;
export const PATTERN_TEXT_CHARS_MAX = 2_000;
export const PATTERN_WAYS_MAX = 32_000; // to match a text of that length, as many as it has places and some choices: about its square in time
export const SCHEMA_STEPS_MAX = 50_000;
export const VERIFIER_CHAINS_MAX = 1_000;
export const VERIFIER_CHAIN_CHARS_MAX = 262_144; // of one that is remembered; usual ones have 5,000 to 30,000
export const VERIFIER_CHECKPOINTS_MAX = 4_000;
export const VERIFIER_STATUS_LISTS_MAX = 64;
export const VERIFIER_DEFINITIONS_MAX = 500;

// Of it, what POST /verify does for anybody.
export const VERIFY_BODY_BYTES_MAX = 1_048_576;
export const VERIFY_SHARE = 0.25; // of one core, for all strangers together
export const VERIFY_WAITING_MAX = 64;
export const VERIFY_POLICY_CACHE_SECONDS = 60;

// Pages
export const PAGE_ROWS = 30;
export const PAGE_DIRECTORY_MEMBERS = 100; // of one superior on one page of the federation
export const PAGE_DIRECTORY_BELOW = 300; // of those below them, all together
export const PAGE_HISTORY_ENTRIES = 25;
export const PAGE_COLUMNS_MAX = 4;
export const PAGE_NAMES_MAX = 1_000; // of records referred to, looked up for one page
export const PAGE_CHOICES_MAX = 60; // more than these are written into a form rather than chosen
export const PAGE_CHOICES_SECONDS = 10;
export const PAGE_CHOICES_ENTRIES_MAX = 1_000;

// Citizens' pages
export const PARTY_NAME_MS = 1_000; // waited for what another department calls itself
export const ME_LATEST_LOOKS = 5; // shown on the first page
export const ME_USAGE_PAGES_MAX = 200; // of looks, in one file of somebody's data

// Forms of records, on staff pages
export const RECORD_FORM_BYTES_MAX = 1_048_576; // a record of RECORD_BYTES_MAX as a form sends it, with the names of its fields
export const RECORD_FORM_ROWS_MAX = 200; // of one list
export const RECORD_FORM_SCRIPT_BYTES_MAX = 30_720; // compressed, of what the page loads
export const RECORD_FORM_ALIVE_MS = 300_000; // between two words to the node that somebody still writes, so that the session goes on
export const PICK_QUERY_CHARS_MAX = 100;
export const PICK_ITEMS_MAX = 12; // offered at once
export const PICK_REGISTRY_QUERIES_MAX = 3; // that one registry is asked by
export const PICK_REGISTRIES_MAX = 4; // of one node
export const PICK_LISTED_MAX = 100; // looked through by name, of a registry that is searched by no part of a text
export const PICK_NODES_MAX = 8; // other nodes asked for one word
export const PICK_QUERY_CHARS_ELSEWHERE_MIN = 2; // shorter words are looked for in own registries only
export const PICK_TIMEOUT_MS = 2_500;
export const PICK_BYTES_MAX = 1_048_576; // of one answer of another node
export const PICK_DEFINITIONS_REMEMBERED_MAX = 500; // nodes
export const PICK_DEFINITIONS_SECONDS = 300;
export const PICK_LABEL_CHARS_MAX = 200;

// Printed certificates
export const PRINTED_CODE_MM = 30; // side of the code with the signed record
export const PRINTED_CODE_MM_MAX = 45; // to which it grows where its modules would be too small
export const PRINTED_LINK_CODE_MM = 20;
export const PRINTED_MODULE_MM_MIN = 0.28; // more than three pixels of a scanner at 300 dpi; programs of others were seen to read it at 200
export const PRINTED_MODULE_MM_LEAST = 0.25; // for what fits no code otherwise

// Document of the API
export const OPENAPI_DOCUMENTS_MAX = 50; // kept, by registry and language
export const OPENAPI_SECONDS = 60; // that readers may keep one unasked

// HTTP server
export const HTTP_HEADER_BYTES_MAX = 32_768;
export const HTTP_HEADERS_TIMEOUT_MS = 15_000;
export const HTTP_REQUEST_TIMEOUT_MS = 120_000;
export const HTTP_TIMEOUT_CHECK_MS = 5_000;

// Command line to a node
export const NODE_CALL_TIMEOUT_MS = 30_000;
export const NODE_IMPORT_TIMEOUT_MS = 120_000;
export const NODE_CALL_ATTEMPTS_MAX = 6;
export const NODE_RETRY_DELAY_MS = 250;
export const NODE_RETRY_DELAY_MS_MAX = 10_000;
export const NODE_ANSWER_BYTES_MAX = 64 * 1_048_576;
export const NODE_STREAM_TIMEOUT_MS = 600_000;

// Verifying on the command line
export const EVIDENCE_FILE_BYTES_MAX = 8 * 1_048_576; // as EVIDENCE_CHARS_MAX: what is longer in bytes is no evidence of ours
export const VERIFY_BATCH_FILES_MAX = 5_000_000; // names in memory
export const VERIFY_BATCH_CHUNK_ITEMS = 32; // handed to a thread at a time
export const VERIFY_BATCH_CHUNK_CHARS = 2 * 1_048_576;
export const VERIFY_BATCH_CHUNKS_AHEAD = 4; // of each thread, so that the answers wait for their order in bounded memory
export const VERIFY_BATCH_ONLINE_MAX = 8; // records of one thread that wait for their home nodes
export const VERIFY_WORKER_HEAP_MB_MAX = 1_024;

// Export
export const EXPORT_PAGE_RECORDS = 200; // read from the database at a time
export const EXPORT_COMMAND_PAGE_RECORDS = 5_000; // asked for at a time, and asked for again if the connection breaks
export const EXPORT_FIELDS_MAX = 200;
export const OPEN_DATA_INTERVAL_SECONDS = 300; // a new set at most this often
export const OPEN_DATA_SETS_MAX = 1_000; // kept per registry

// Approval
export const PROPOSAL_SECONDS = 30 * 86_400; // after which nobody can approve it any more
export const PROPOSAL_KEPT_SECONDS = 400 * 86_400; // who decided on it, and why, after the decision
export const PROPOSALS_OPEN_MAX = 2_000; // of one person
export const PROPOSALS_OPEN_BYTES_MAX = 256 * 1_048_576; // of one person, sealed
export const PROPOSALS_WHOLE_MAX = 20; // definitions and migrations that a new one is compared with
export const PROPOSALS_PAGE_MAX = 100;
export const PROPOSALS_READ_MAX = 500; // looked at for one page, of which the reader may see some
export const PROPOSALS_READ_BYTES_MAX = 16 * 1_048_576; // opened for one page
export const PROPOSAL_SAMPLE_MIN = 3; // looked at of those that are approved together; of many, the square root of their number
export const PROPOSAL_TEXT_CHARS_MAX = 1_000; // of a reason or a note
export const PROPOSAL_REFUSALS_SHOWN_MAX = 100;
export const PROPOSAL_SWEEP_INTERVAL_MS = 30_000;
export const PROPOSAL_RESUME_SECONDS = 600; // after which what was being carried out is taken up again

// Consent and disclosure
export const SUBJECT_RECORDS_MAX = 500; // of one registry that are about one person
export const CONSENT_DAYS_MAX = 3_660; // that one may last
export const CONSENT_REQUEST_SECONDS = 30 * 86_400; // that one waits for its answer
export const CONSENTS_OPEN_PER_CONSUMER_MAX = 5_000; // asked and not decided
export const CONSENTS_OPEN_PER_SUBJECT_MAX = 20; // the same, of one consumer about one person
export const QUESTION_CHARS_MAX = 4_000;
export const QUESTIONS_OPEN_PER_PERSON_MAX = 20;
export const QUESTIONS_LISTED_MAX = 200;
export const CONSENTS_LISTED_MAX = 500;
export const CONSENT_TEXT_CHARS_MAX = 1_000; // of a reason or a case
export const CONSENT_FIELDS_MAX = 200;
export const REFUSAL_CHARS_MAX = 500; // of what another node says of why it refused
export const REFUSAL_DETAILS_MAX = 20;
export const ASKED_CONSENTS_PAGE = 30;
export const ASKED_CONSENTS_PAGE_MAX = 200;
export const CONSENT_HOMES_OFFERED_MAX = 200; // departments in a form
export const CONSENT_OFFERS_MAX = 40; // registries of one node, and purposes of one registry
export const CONSENT_OFFER_BYTES_MAX = 4_194_304; // definitions of one node
export const CONSENT_OFFER_SECONDS = 300;
export const CONSENT_OFFERS_REMEMBERED_MAX = 200; // nodes
export const CONSENTS_PER_READ_MAX = 100; // named in one reading
export const CHANGES_PAGE_MAX = 1_000; // told to a consumer at once
export const ERASURE_NOTICES_PAGE = 100; // sent at once, and taken at once
export const ERASURE_NOTICE_RETRY_SECONDS = 60; // doubled by each attempt
export const ERASURE_NOTICE_RETRY_SECONDS_MAX = 86_400;
export const ERASURE_NOTICE_INTERVAL_MS = 5_000;
export const NOTIFICATION_INTERVAL_MS = 5_000;
export const NOTIFICATION_GATHER_SECONDS = 600; // between two notifications of one kind to one person
export const NOTIFICATION_RETRY_SECONDS = 30; // doubled by each attempt; longer than NOTIFICATION_TIMEOUT_MS, so that one attempt has ended before the next
export const NOTIFICATION_RETRY_SECONDS_MAX = 6 * 3_600;
export const NOTIFICATION_SECONDS = 3 * 86_400; // after which one that no gateway took is given up
export const NOTIFICATION_TIMEOUT_MS = 10_000;
export const NOTIFICATION_ANSWER_BYTES_MAX = 65_536; // of which nothing is read
export const NOTIFICATIONS_AT_ONCE_MAX = 16; // to one gateway
export const NOTIFICATIONS_WAITING_MAX = 100_000; // deliveries; while so many wait, what happens is gathered
export const NOTIFICATIONS_GATHERED_MAX = 500; // in one transaction
export const NOTIFICATION_ADDRESS_CHARS_MAX = 200;
export const READING_REPEAT_SECONDS = 3_600; // in which the same reading may be asked for once more, because its answer was lost
export const PRESENTATION_SECONDS = 300; // that one may be shown
export const OWN_COPY_SECONDS = 90 * 86_400; // that what a person took of the own records may be shown
export const SHARE_DAYS_DEFAULT = 7;
export const SHARE_DAYS_MAX = 90;
export const SHARE_EVIDENCE_SECONDS = 86_400; // that the file of an opening passes, and no longer than the share
export const SHARE_TEXT_CHARS_MAX = 200; // of whom it is for, and of what for
export const SHARE_CODE_DIGITS = 15; // 49 bits; ten of them may be tried
export const SHARE_WRONG_CODES_MAX = 10; // after which it is closed for good
export const SHARE_OPENINGS_MAX = 200; // of one, so that they hide nothing else in the access log
export const SHARES_OPEN_PER_PERSON_MAX = 50;
export const SHARES_LISTED_MAX = 200;
export const SHARE_REFUSAL_MS = 250; // that every refusal to somebody without the code takes
export const SHARE_OPENING_SHARE = 0.25; // of one core, for all who open what was shared
export const SHARE_OPENINGS_WAITING_MAX = 64;
export const ACCESS_SUBJECTS_REMEMBERED_MAX = 10_000; // keys of persons' chains in memory
export const ACCESS_EVENTS_CHECKED_MAX = 1_000; // of one person, the last ones, at each look at the page; a download holds all
export const ACCESS_EVENTS_PAGE_MAX = 200;
export const PERSON_AUDIT_TAGS_AHEAD = 1_000; // numbers after a person's last that are looked for in the log
export const READINGS_PER_CONSUMER_MAX = 20_000; // of personal data, in one window
export const READINGS_PER_SUBJECT_MAX = 100; // the same, of one consumer about one person: no flood hides a reading
export const READING_WINDOW_SECONDS = 3_600;

// A citizen's own data in a browser, from several nodes
export const OWN_DATA_CALLS_MAX = 120; // of one person at one node, in an hour
export const ELSEWHERE_DEPARTMENTS_LISTED_MAX = 200; // on the page; any other is typed
export const ELSEWHERE_DEPARTMENTS_MAX = 30; // that a browser asks at once
export const ELSEWHERE_ANSWER_BYTES_MAX = 8_388_608; // of one department, of which one browser asks many
export const ELSEWHERE_LOOKS = 5; // shown of each department, the newest
export const PREFLIGHT_SECONDS = 600; // that a browser need not ask again whether it may ask
export const CITIZEN_PORTAL_SECONDS = 60; // that a list of marked nodes, and a mark that was checked, are believed
export const CITIZEN_PORTAL_FAILURE_SECONDS = 30;
export const CITIZEN_PORTAL_LIST_HELD_SECONDS = 3_600; // while nobody who marks them answers
export const CITIZEN_PORTAL_LIST_BYTES_MAX = 262_144;
export const CITIZEN_PORTAL_ISSUERS_MAX = 20; // that are asked whom they marked
export const CITIZEN_PORTALS_REMEMBERED_MAX = 200;

// Import, the command's side
export const IMPORT_MAP_BYTES_MAX = 1_048_576;
export const IMPORT_MEMORY_BYTES_MAX = 4 * 1_048_576; // of the file; in memory its rows take many times as much
export const IMPORT_PARTITIONS_MAX = 512; // each is an open file
export const IMPORT_ROWS_AHEAD = 1_000;
export const IMPORT_BATCH_ROWS = 1_000;
export const IMPORT_BATCH_BYTES = 4 * 1_048_576;
export const IMPORT_BATCHES_IN_FLIGHT_MAX = 3;
export const IMPORT_REFUSALS_IN_MEMORY_MAX = 20_000;
export const IMPORT_MISSING_PAGE_RECORDS = 500;
export const IMPORT_MISSING_PAGES_AHEAD = 40;
export const IMPORT_MISSING_IN_FLIGHT_MAX = 16;
export const IMPORT_LOOKUPS_IN_FLIGHT_MAX = 8;
export const IMPORT_REFERENCES_REMEMBERED_MAX = 100_000;

// Demo
export const DEMO_START_TIMEOUT_MS = 60_000; // of one node process
export const DEMO_STOP_TIMEOUT_MS = 20_000; // after which a node process is killed
export const DEMO_STATUS_WAIT_MS = 15_000; // for a new status list; see STATUS_LIST_TTL_SECONDS
export const DEMO_TOKEN_SECONDS = 12 * 3_600;
export const DEMO_CODE_SECONDS = 60; // of the code with which the demo's sign-in service sends a browser back

// The page that verifies, in the visitor's browser
export const VERIFY_SCRIPT_BYTES_MAX = 61_440; // compressed, of what the page loads at first
export const VERIFY_FETCH_TIMEOUT_MS = 15_000;
export const VERIFY_PICTURE_BYTES_MAX = 40 * 1_048_576;
export const VERIFY_PICTURE_SIDE_PIXELS = 3_000; // larger pictures are made smaller before a code is looked for
export const VERIFY_PICTURE_READ_MS = 4_000;
