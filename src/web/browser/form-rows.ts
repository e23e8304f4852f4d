// Adds rows to the lists of a form and takes them away, out of the template that the page brings. Without it the server does the same.

/** The marks of console/form-controls.ts. */
const markOf = (depth: string): string => `~r${depth}`;

function replaceMarks(root: ParentNode, mark: string, number: string): void {
  for (const element of root.querySelectorAll("*")) {
    for (const { name, value } of [...element.attributes])
      if (value.includes(mark)) element.setAttribute(name, value.replaceAll(mark, number));
    if (element instanceof HTMLTemplateElement) replaceMarks(element.content, mark, number);
  }
}

function rowsOf(list: HTMLElement): HTMLElement[] {
  return [...(list.querySelector<HTMLElement>(":scope > [data-rows]")?.children ?? [])].filter(
    (row) => row instanceof HTMLElement,
  );
}

/** What people count the rows by; their names keep the numbers that they were made with. */
function numberRows(list: HTMLElement): void {
  for (const [place, row] of rowsOf(list).entries())
    for (const element of row.querySelectorAll("[data-number]"))
      if (element.closest("[data-row]") === row) element.textContent = String(place + 1);
}

function lastNumber(list: HTMLElement): number {
  const numbers = rowsOf(list).map((row) => {
    const name = row.querySelector<HTMLInputElement>(":scope > input[name=row]")?.value ?? "";
    return Number(name.slice(name.lastIndexOf("/") + 1));
  });
  return Math.max(-1, ...numbers);
}

function addRow(list: HTMLElement): HTMLElement | undefined {
  const template = list.querySelector<HTMLTemplateElement>(":scope > template");
  const rows = list.querySelector(":scope > [data-rows]");
  if (!template || !rows) return undefined;
  const made = template.content.cloneNode(true) as DocumentFragment;
  replaceMarks(made, markOf(list.dataset.depth ?? "0"), String(lastNumber(list) + 1));
  const row = made.firstElementChild;
  if (!(row instanceof HTMLElement)) return undefined;
  rows.append(row);
  return row;
}

/** `prepare`: what a new row needs. `say`: tells who does not see the page. */
export function watchRows(
  form: HTMLFormElement,
  { prepare, say }: { prepare: (row: HTMLElement) => void; say: (text: string) => void },
): void {
  form.addEventListener("click", (event) => {
    const button =
      event.target instanceof Element ? event.target.closest("button[data-add], button[data-remove]") : null;
    if (!(button instanceof HTMLButtonElement)) return;
    const list = button.closest<HTMLElement>("[data-list]");
    if (!list) return;
    event.preventDefault();
    if ("add" in button.dataset) {
      const row = addRow(list);
      if (!row) return;
      numberRows(list);
      prepare(row);
      row.querySelector<HTMLElement>("input:not([type=hidden]), select, textarea")?.focus();
      return;
    }
    const row = button.closest<HTMLElement>("[data-row]");
    const rows = rowsOf(list);
    const next = row && (rows[rows.indexOf(row) + 1] ?? rows[rows.indexOf(row) - 1]);
    row?.remove();
    numberRows(list);
    say("Removed.");
    const removal = next?.querySelector<HTMLElement>(":scope > button[data-remove]");
    (removal ?? list.querySelector<HTMLElement>(":scope > button[data-add]"))?.focus();
  });
}
