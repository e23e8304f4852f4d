// The page `/verify` at work: takes what the visitor gives, judges it here, shows the answer. Asks the network only where the visitor asked for it.
import type { Child } from "hono/jsx";
import { createRoot } from "hono/jsx/dom/client";
import { sha256Base64url } from "../../crypto/hash.ts";
import { AttestryError } from "../../errors.ts";
import { EVIDENCE_CHARS_MAX, VERIFIER_POLICY_CHARS_MAX } from "../../limits.ts";
import { parseEvidenceText } from "../../verification/evidence.ts";
import { findHomeOf, joinFreshProof } from "../../verification/fresh-proof.ts";
import { type Given, parseGiven, parseRecordLink, type RecordLink } from "../../verification/given-text.ts";
import type { VerifierPolicy } from "../../verification/policy.ts";
import { parseVerifierPolicyText } from "../../verification/policy-file.ts";
import { createVerifier, type Verifier } from "../../verification/verifier.ts";
import type { PageFrame } from "../markup.tsx";
import { createReader } from "../reader-language.ts";
import { type ActionName, Answer, type Offer, Refusal } from "./answer.tsx";
import { describeAnswer } from "./answer-view.ts";
import { fetchEvidence, fetchPolicy } from "./evidence-client.ts";
import { Trust } from "./trust.tsx";

// What the page judges with, also for programs that load this file.
export { parseVerifierPolicy } from "../../verification/policy-file.ts";
export { createVerifier, parseEvidenceText };

function findElement<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element ${id}`);
  return element as Kind;
}

const root = findElement("verify");
const frame: PageFrame = {
  basePath: root.dataset.basePath ?? "",
  entity: root.dataset.entity ?? "",
  organizationName: root.dataset.organizationName ?? "",
  reader: createReader(navigator.languages),
};

interface Policy {
  readonly policy: VerifierPolicy;
  readonly verifier: Verifier;
  readonly name: string;
  readonly digest: string;
}

let nodePolicy: Policy | undefined;
let ownPolicy: Policy | undefined;
/** Counts what was given: an answer that comes after the next question is not shown. */
let question = 0;

const output = findElement("answer");
const progress = findElement("progress");

function createPolicy(text: string, name: string): Policy {
  const policy = parseVerifierPolicyText(text);
  return { policy, verifier: createVerifier(policy), name, digest: sha256Base64url(text) };
}

function say(sentence: string): void {
  progress.textContent = sentence;
}

/** At once and whole, in place of what was there. */
function render(child: Child, element: HTMLElement): void {
  createRoot(element).render(child);
}

function show(answer: Child, actions: Readonly<Partial<Record<ActionName, () => void>>> = {}): void {
  render(answer, output);
  for (const button of output.querySelectorAll<HTMLButtonElement>("button[data-action]")) {
    button.textContent = button.dataset.text ?? "";
    button.addEventListener("click", () => actions[button.dataset.action as ActionName]?.());
  }
  say("");
  const heading = document.getElementById("verdict");
  heading?.focus();
  heading?.scrollIntoView({ block: "center" });
}

function refuse(title: string, reason: string): void {
  show(<Refusal title={title} reason={reason} />);
}

function isOwn({ href }: RecordLink): boolean {
  return href.startsWith(`${frame.entity}/registries/`);
}

function fetchFromHome(link: RecordLink) {
  // An own record is asked for where the page came from, whatever name the reader reached it by.
  const href = isOwn(link) ? `${location.origin}${frame.basePath}${link.href.slice(frame.entity.length)}` : link.href;
  say(`Asking ${new URL(href).host} for the proof…`);
  return fetchEvidence({ ...link, href });
}

const NO_EVIDENCE = "What came back is no evidence file.";

interface Question {
  readonly number: number;
  readonly evidence: unknown;
  readonly expected?: { readonly href: string; readonly version?: number };
  readonly failure?: string;
}

async function judge(asked: Question): Promise<void> {
  const { evidence, expected, number } = asked;
  const used = ownPolicy ?? nodePolicy;
  if (!used) return refuse("No policy", "Whom to trust is not known here. Load a policy file below, then check again.");
  say("Checking…");
  const now = Math.floor(Date.now() / 1_000);
  const report = await used.verifier.verify(evidence, { now, reader: frame.entity, ...(expected && { expected }) });
  const view = await describeAnswer(report, { evidence, policy: used.policy, now, reader: frame.reader });
  if (number !== question) return;
  const home = view.openChecks.length > 0 ? findHomeOf(evidence) : undefined;
  const offer: Offer | undefined = home && { host: new URL(home.href).host, failure: asked.failure };
  const judged = { at: new Date(now * 1_000).toISOString(), policyName: used.name, policyDigest: used.digest };
  show(<Answer view={view} frame={frame} judged={judged} offer={offer} />, {
    print: () => window.print(),
    ask: () => home && guarded(() => refresh(asked, home)),
  });
}

/** What was shown is judged with the proof of today; the token stays the one that was shown. */
async function refresh(asked: Question, home: RecordLink): Promise<void> {
  const fetched = await fetchFromHome(home);
  if (asked.number !== question) return;
  if ("failure" in fetched) return judge({ ...asked, failure: fetched.failure });
  const evidence = joinFreshProof(asked.evidence, parseFetched(fetched.text));
  await judge(evidence === undefined ? { ...asked, failure: NO_EVIDENCE } : { ...asked, evidence });
}

function parseFetched(text: string): unknown {
  try {
    return parseEvidenceText(text);
  } catch {
    return undefined;
  }
}

async function judgeLink(link: RecordLink, number: number): Promise<void> {
  const fetched = await fetchFromHome(link);
  if (number !== question) return;
  if ("failure" in fetched) return refuse("Could not decide", fetched.failure);
  const evidence = parseFetched(fetched.text);
  if (evidence === undefined) return refuse("Could not decide", NO_EVIDENCE);
  await judge({ number, evidence, expected: link });
}

function fillIn({ href, version }: RecordLink): void {
  findElement<HTMLTextAreaElement>("pasted").value = version === undefined ? href : `${href}?version=${version}`;
}

/** Nobody has read what stands in a picture or a file: whose address it is, the visitor sees before it is asked. */
function answerFound(given: Given, number: number): Promise<void> {
  if (given.kind !== "link" || isOwn(given.link) || number !== question) return answer(given, number);
  fillIn(given.link);
  const { host } = new URL(given.link.href);
  refuse(
    "This is a link",
    `It leads to ${host}. Press Check to ask there for the record, which tells them that somebody checks it.`,
  );
  return Promise.resolve();
}

async function answer(given: Given, number: number): Promise<void> {
  if (number !== question) return;
  if (given.kind === "unreadable") return refuse("This cannot be read", given.reason);
  if (given.kind === "link") return judgeLink(given.link, number);
  await judge({ number, evidence: given.kind === "token" ? { token: given.token } : given.evidence });
}

async function takeText(text: string): Promise<void> {
  const number = ++question;
  say("Reading…");
  await answer(await parseGiven(text), number);
}

async function readCodes(file: Blob): Promise<Given> {
  const { readPicture } = await import("./picture-reader.ts");
  // A certificate has two codes: the record itself, and the link to it. The record is judged without asking anybody.
  const isRecord = (text: string): boolean => !/^https?:/i.test(text);
  const texts = await readPicture(file, (found) => found.some(isRecord));
  const codes = await Promise.all(texts.map(parseGiven));
  return (
    codes.find(({ kind }) => kind === "token") ??
    codes.find(({ kind }) => kind === "link") ??
    codes[0] ?? {
      kind: "unreadable",
      reason:
        "No QR code was found in this picture. Hold the camera straight above the paper, in good light, and close enough that the code fills half of the picture.",
    }
  );
}

async function takeFile(file: File): Promise<void> {
  const number = ++question;
  if (file.type.startsWith("image/")) {
    say("Looking for a QR code in the picture…");
    await answerFound(await readCodes(file), number);
    return;
  }
  say("Reading…");
  if (file.size > EVIDENCE_CHARS_MAX)
    return refuse("This cannot be read", "The file is larger than any evidence file may be.");
  await answerFound(await parseGiven(await file.text()), number);
}

/** A fault of this program must not look like an answer about a record. */
function guarded(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    console.error(error);
    refuse("Could not decide", "Something went wrong in this page. Load it again, or use the command attestry verify.");
  });
}

function showTrust(): void {
  const used = ownPolicy ?? nodePolicy;
  if (used) render(<Trust policy={used.policy} policyName={used.name} frame={frame} />, findElement("trusted"));
  findElement("policy-reset").hidden = ownPolicy === undefined || nodePolicy === undefined;
}

async function takePolicy(file: File): Promise<void> {
  const fault = findElement("policy-fault");
  fault.textContent = "";
  const before = ownPolicy;
  try {
    if (file.size > VERIFIER_POLICY_CHARS_MAX)
      throw new AttestryError("verifier_policy_invalid", "the file is too large");
    ownPolicy = createPolicy(await file.text(), `the policy in ${file.name}`);
    showTrust();
    forgetAnswer();
  } catch (error) {
    // Whose anchors cannot be shown is not trusted either.
    ownPolicy = before;
    showTrust();
    fault.textContent = `This policy cannot be used, and nothing has changed: ${error instanceof Error ? error.message : "it is damaged"}.`;
  }
}

/** An answer by another policy must not stand beside the one that is shown. */
function forgetAnswer(): void {
  question += 1;
  output.replaceChildren();
}

function chooseFrom(input: HTMLInputElement, take: (file: File) => Promise<void>): void {
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    // The same file may be chosen again after it was changed.
    input.value = "";
    if (file) guarded(() => take(file));
  });
}

function listen(): void {
  const form = findElement<HTMLFormElement>("give-form");
  const pasted = findElement<HTMLTextAreaElement>("pasted");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    guarded(() => takeText(pasted.value));
  });
  chooseFrom(findElement<HTMLInputElement>("file"), takeFile);
  chooseFrom(findElement<HTMLInputElement>("camera"), takeFile);
  chooseFrom(findElement<HTMLInputElement>("policy-file"), takePolicy);
  findElement("policy-reset").addEventListener("click", () => {
    ownPolicy = undefined;
    forgetAnswer();
    showTrust();
  });
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    root.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) root.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    root.classList.remove("dropping");
    const file = event.dataTransfer?.files[0];
    const text = event.dataTransfer?.getData("text/plain") ?? "";
    if (file) guarded(() => takeFile(file));
    else if (text !== "") guarded(() => takeText(text));
  });
  document.addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) guarded(() => takeFile(file));
  });
}

async function loadNodePolicy(): Promise<void> {
  const fetched = await fetchPolicy(frame.basePath);
  const fault = findElement("policy-fault");
  if ("failure" in fetched) {
    fault.textContent = "Whom this node trusts could not be loaded. Load a policy file, or load the page again.";
    return;
  }
  try {
    nodePolicy = createPolicy(fetched.text, `the policy of ${frame.organizationName}`);
  } catch (error) {
    fault.textContent = `This node's policy cannot be used: ${error instanceof Error ? error.message : "it is damaged"}.`;
  }
}

async function start(): Promise<void> {
  await loadNodePolicy();
  showTrust();
  listen();
  root.hidden = false;
  findElement("loading").hidden = true;
  say("");
  // So that pictures are read without the network too.
  void import("./picture-reader.ts");
  const asked = parseRecordLink(location.href);
  if (!asked) return;
  fillIn(asked);
  // Of the node that the page came from nothing is hidden by not asking it; any other is asked when the visitor says so.
  if (isOwn(asked)) await judgeLink(asked, ++question);
}

guarded(start);
