// The page `/me/elsewhere` at work: keeps the choice in this browser, signs in, asks each chosen department by itself and shows what each says. Tells no server whom else it asks.
import { createRoot } from "hono/jsx/dom/client";
import { ELSEWHERE_DEPARTMENTS_MAX } from "../../limits.ts";
import { chooseLanguage, readerOf } from "../me/languages.ts";
import type { MeFrame } from "../me/me-frame.tsx";
import { createReader } from "../reader-language.ts";
import { type CardProps, DepartmentCard } from "./elsewhere-card.tsx";
import { keepChoice, readChoice, readDepartment } from "./elsewhere-choice.ts";
import { beginSignIn, readAnswer, redeemTokens, type SignInClient } from "./elsewhere-sign-in-client.ts";
import { askDepartment } from "./own-data-client.ts";

function findElement<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element ${id}`);
  return element as Kind;
}

const root = findElement("elsewhere");
const form = findElement<HTMLFormElement>("choice");
const departments = findElement("departments");
const answers = findElement("answers");
const progress = findElement("progress");
const other = findElement<HTMLInputElement>("other");
const browserReader = createReader(navigator.languages);
const language = chooseLanguage(document.documentElement.lang, browserReader);
const words = language.texts.elsewhere;

const boxes = (): HTMLInputElement[] => [...departments.querySelectorAll<HTMLInputElement>("input")];
const chosen = (): string[] => boxes().flatMap(({ checked, value }) => (checked ? value : []));
const boxOf = (department: string): HTMLInputElement | undefined => boxes().find(({ value }) => value === department);

function say(sentence: string): void {
  progress.textContent = sentence;
}

/** Of a department that is none of those that the page lists. */
function addBox(department: string): HTMLInputElement {
  const id = `department-${boxes().length}`;
  const row = document.createElement("div");
  row.className = "tick";
  const box = document.createElement("input");
  Object.assign(box, { type: "checkbox", value: department, id });
  const label = document.createElement("label");
  label.htmlFor = id;
  const name = document.createElement("bdi");
  name.textContent = department.replace(/^https?:\/\//, "");
  label.append(name);
  row.append(box, label);
  departments.append(row);
  return box;
}

/** What the page calls a department; its address, unless it is listed. */
function nameOf(department: string): string | undefined {
  return boxOf(department)?.labels?.[0]?.firstElementChild?.textContent ?? undefined;
}

function addTyped(): void {
  const department = readDepartment(other.value);
  if (department === undefined) {
    say(words.badAddress);
    other.setAttribute("aria-invalid", "true");
    other.focus();
    return;
  }
  other.removeAttribute("aria-invalid");
  (boxOf(department) ?? addBox(department)).checked = true;
  other.value = "";
  keepChoice(chosen());
  say(words.added(department.replace(/^https?:\/\//, "")));
}

function forget(): void {
  for (const box of boxes()) box.checked = false;
  keepChoice([]);
  say(words.forgot);
}

function readClient({ dataset }: HTMLElement): SignInClient {
  return {
    issuer: dataset.issuer ?? "",
    clientId: dataset.clientId ?? "",
    authorizationEndpoint: dataset.authorizationEndpoint ?? "",
    tokenEndpoint: dataset.tokenEndpoint ?? "",
    redirectUri: root.dataset.redirectUri ?? "",
  };
}

async function begin(button: HTMLElement): Promise<void> {
  const some = chosen();
  if (some.length === 0) return say(words.noneChosen);
  if (some.length > ELSEWHERE_DEPARTMENTS_MAX) return say(words.tooMany(ELSEWHERE_DEPARTMENTS_MAX));
  keepChoice(some);
  await beginSignIn(readClient(button), some);
}

/** A place for a department's card, which is written anew as soon as more is known. */
function makeCard(department: string): (answer: CardProps["answer"]) => void {
  const card = document.createElement("section");
  card.className = "record";
  answers.append(card);
  const name = nameOf(department);
  const show = (answer: CardProps["answer"]): void => {
    const organizationName = typeof answer === "object" ? answer.organization : (name ?? department);
    const frame: MeFrame = {
      // Where a record refers to another of that department, it is to be found there.
      basePath: department,
      entity: department,
      organizationName,
      reader: readerOf(language, browserReader),
      valueWords: language.texts.value,
      language,
      texts: language.texts,
      path: "",
      sendsNotifications: false,
    };
    createRoot(card).render(<DepartmentCard department={department} name={name} answer={answer} frame={frame} />);
    card.setAttribute("aria-label", organizationName);
  };
  show("waiting");
  return show;
}

function addHeading(): HTMLElement {
  const heading = document.createElement("h2");
  heading.textContent = words.answers;
  heading.tabIndex = -1;
  answers.append(heading);
  return heading;
}

async function finish(): Promise<void> {
  const answer = readAnswer();
  if (answer === undefined) return;
  if (typeof answer === "string") return say(words.signIn[answer]);
  const button = [...form.querySelectorAll<HTMLElement>("button[data-issuer]")].find(
    ({ dataset }) => dataset.issuer === answer.attempt.issuer,
  );
  if (!button) return say(words.signIn.failed);
  say(words.asking);
  const heading = addHeading();
  const cards = new Map(answer.attempt.departments.map((department) => [department, makeCard(department)]));
  const asking: Promise<void>[] = [];
  await redeemTokens(readClient(button), answer, (department, redeemed) => {
    const show = cards.get(department)!;
    if (typeof redeemed === "string") return show(redeemed);
    // Each as soon as there is its token, whatever the others do.
    asking.push(askDepartment(department, { ...redeemed, language: language.tag }).then(show));
  });
  await Promise.all(asking);
  say(words.asked(cards.size));
  heading.focus();
}

function guarded(work: () => Promise<void>): void {
  work().catch(() => say(words.signIn.failed));
}

for (const department of readChoice()) (boxOf(department) ?? addBox(department)).checked = true;
departments.addEventListener("change", () => keepChoice(chosen()));
findElement("add").addEventListener("click", addTyped);
findElement("forget").addEventListener("click", forget);
other.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  // It would send the form.
  event.preventDefault();
  addTyped();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { submitter } = event;
  if (submitter) guarded(() => begin(submitter));
});
root.hidden = false;
findElement("loading").hidden = true;
guarded(finish);
