// Says while somebody fills in a form what is to be mended, in the words in which the server would. Knows no field by name.
import { type FieldRules, findFieldFault } from "../console/field-rules.ts";

const CHECKED = "[data-rules]";
/** What was shown to be wrong is looked at with every key; what was not, once it is left. */
const shown = new WeakSet<Element>();

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

function isField(element: Element): element is Field {
  return (
    element instanceof HTMLInputElement ||
    element instanceof HTMLSelectElement ||
    element instanceof HTMLTextAreaElement
  );
}

function textOf(element: Element): string {
  if (element instanceof HTMLFieldSetElement)
    return element.querySelector<HTMLInputElement>("input:checked")?.value ?? "";
  // A file is sent apart; what names it is beside it.
  if (element instanceof HTMLInputElement && element.type === "file")
    return element.parentElement?.querySelector<HTMLInputElement>("[data-held]")?.value ?? "";
  return isField(element) ? element.value.trim() : "";
}

/** Whether anything else of the group or row that an input is in is stated. */
function isGroupStated(element: Element): boolean {
  const group = element.closest("[data-group], [data-row]");
  if (!group) return true;
  return [...group.querySelectorAll(CHECKED)].some((other) => other !== element && textOf(other) !== "");
}

/** What is wrong with an input, by its own rules; `data-own-fault`: what another part of the program knows of it. */
function findFault(element: HTMLElement): string | undefined {
  const own = element.dataset.ownFault;
  if (own !== undefined && own !== "") return own;
  const rules = JSON.parse(element.dataset.rules ?? "{}") as FieldRules;
  return findFieldFault(rules, textOf(element), isGroupStated(element));
}

/** The input that has the focus for this one, where that is another. */
function focusable(element: HTMLElement): HTMLElement {
  if (element instanceof HTMLFieldSetElement) return element.querySelector("input") ?? element;
  return document.getElementById(`${element.id}-search`) ?? element;
}

export function showFault(element: HTMLElement, fault: string | undefined): void {
  const place = document.getElementById(`${element.id}-fault`);
  if (place && place.textContent !== (fault ?? "")) place.textContent = fault ?? "";
  if (fault === undefined) shown.delete(element);
  else shown.add(element);
  if (element instanceof HTMLFieldSetElement) element.classList.toggle("faulty", fault !== undefined);
  else
    for (const one of new Set([element, focusable(element)]))
      if (fault === undefined) one.removeAttribute("aria-invalid");
      else one.setAttribute("aria-invalid", "true");
}

export function checkField(element: HTMLElement): boolean {
  const fault = findFault(element);
  showFault(element, fault);
  return fault === undefined;
}

function fieldOf(target: EventTarget | null): HTMLElement | undefined {
  const element = target instanceof Element ? target.closest<HTMLElement>(CHECKED) : null;
  return element ?? undefined;
}

/** Checks every input; leads to the first that is to be mended, and gives how many are. */
export function checkForm(form: HTMLFormElement): number {
  const faulty = [...form.querySelectorAll<HTMLElement>(CHECKED)].filter((element) => !checkField(element));
  const [first] = faulty;
  if (first) focusable(first).focus();
  return faulty.length;
}

export function watchFields(form: HTMLFormElement): void {
  // In place of the browser's own words, which it has in one language and shows one at a time.
  form.noValidate = true;
  for (const element of form.querySelectorAll<HTMLElement>("[aria-invalid=true][data-rules], .faulty[data-rules]"))
    shown.add(element);
  const written = new WeakSet<Element>();
  form.addEventListener("input", ({ target }) => {
    const field = fieldOf(target);
    if (!field) return;
    written.add(field);
    if (shown.has(field)) checkField(field);
  });
  form.addEventListener("focusout", ({ target, relatedTarget }) => {
    const field = fieldOf(target);
    const staysWithin = field && relatedTarget instanceof Node && field.contains(relatedTarget);
    if (field && !staysWithin && (written.has(field) || shown.has(field))) checkField(field);
  });
}
