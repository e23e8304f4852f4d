// Makes a field of a reference searchable: a combobox (ARIA Authoring Practices) over the address, which stays what is sent.
import { checkField, showFault } from "./form-checks.ts";
import { type AskedForm, fetchOffers, type Offer, type Offers } from "./pick-client.ts";

const PAUSE_MS = 250;
const NOT_CHOSEN = "Choose a record: with the arrow down and Enter. What is typed alone is not enough.";

function create<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function describeOffers({ items, silent, isCut }: Offers): string {
  const found = items.length === 0 ? "Nothing was found." : `${items.length}${isCut ? " and more" : ""} found.`;
  const missing = silent.length === 0 ? "" : ` No answer from ${silent.join(", ")}.`;
  return `${found}${missing}${isCut ? " Write more of the name to see fewer." : ""}`;
}

export function preparePicker(picker: HTMLElement, form: AskedForm): void {
  const address = picker.querySelector<HTMLInputElement>("input[type=url]");
  const kept = picker.querySelector<HTMLInputElement>("[data-chosen]");
  if (!address || !kept) return;
  const { id } = address;
  const title = picker.dataset.title ?? "";
  const chosen = picker.querySelector("[data-chosen-text]") ?? create("p", { class: "chosen", dir: "auto" });
  const described = address.getAttribute("aria-describedby") ?? "";
  const search = create("input", {
    id: `${id}-search`,
    type: "text",
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": `${id}-list`,
    "aria-autocomplete": "list",
    "aria-describedby": `${described} ${id}-state`.trim(),
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    placeholder: "Search by name or code",
  });
  if (address.required) search.setAttribute("aria-required", "true");
  if (address.getAttribute("aria-invalid") === "true") search.setAttribute("aria-invalid", "true");
  const list = create("ul", { id: `${id}-list`, role: "listbox", "aria-label": title, hidden: "" });
  const state = create("p", { id: `${id}-state`, class: "state", role: "status" });
  for (const label of document.querySelectorAll<HTMLLabelElement>("label"))
    if (label.htmlFor === id) label.htmlFor = search.id;
  const other = create(
    "details",
    {},
    create("summary", {}, "Write its address instead"),
    create("label", { for: id }, `Address of the record: ${title}`),
  );
  search.value = picker.dataset.label ?? "";
  address.before(search, list, state);
  other.append(address);
  picker.append(chosen, other);
  if (document.activeElement === address) search.focus();

  let offers: readonly Offer[] = [];
  let active = -1;
  let isWritten = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;

  function close(): void {
    list.hidden = true;
    active = -1;
    search.setAttribute("aria-expanded", "false");
    search.removeAttribute("aria-activedescendant");
  }

  function activate(place: number): void {
    const options = [...list.children];
    active = options.length === 0 ? -1 : (place + options.length) % options.length;
    for (const [at, option] of options.entries()) option.setAttribute("aria-selected", String(at === active));
    const option = options[active];
    if (!option) return;
    search.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  /** What is sent; undefined: nothing. */
  function keep(offer: Offer | undefined): void {
    address!.value = offer?.href ?? "";
    kept!.value = offer?.label ?? "";
    chosen.textContent = offer === undefined ? "" : `${offer.label} (${offer.where})`;
  }

  function choose(offer: Offer): void {
    keep(offer);
    search.value = offer.label;
    state.textContent = "";
    delete address!.dataset.ownFault;
    close();
    showFault(address!, undefined);
  }

  function show(found: Offers): void {
    offers = found.items;
    list.replaceChildren(
      ...offers.map((offer, place) =>
        create(
          "li",
          { role: "option", id: `${id}-option-${place}`, "aria-selected": "false" },
          create("span", { dir: "auto" }, offer.label),
          create("small", { dir: "auto" }, offer.where),
        ),
      ),
    );
    list.hidden = offers.length === 0;
    search.setAttribute("aria-expanded", String(offers.length > 0));
    active = -1;
    search.removeAttribute("aria-activedescendant");
    state.textContent = describeOffers(found);
  }

  async function ask(): Promise<void> {
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    state.textContent = "Searching…";
    try {
      const found = await fetchOffers(form, { field: picker.dataset.pick ?? "", typed: search.value.trim(), signal });
      if (!signal.aborted) show(found);
    } catch (error) {
      if (signal.aborted) return;
      close();
      state.textContent = error instanceof Error ? error.message : "The search failed. Try again.";
    }
  }

  search.addEventListener("input", (event) => {
    // The address is what is checked, and only once this is left.
    event.stopPropagation();
    isWritten = true;
    keep(undefined);
    // Nothing is wrong with what is not finished.
    showFault(address, undefined);
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE_MS);
  });
  search.addEventListener("keydown", (event) => {
    const isOpen = !list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) void ask().then(() => activate(0));
      else activate(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      // The only one that was found needs no arrow.
      const offer = offers[active] ?? (offers.length === 1 ? offers[0] : undefined);
      if (offer) choose(offer);
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      close();
    }
  });
  search.addEventListener("focusout", () => {
    clearTimeout(timer);
    asking?.abort();
    close();
    state.textContent = "";
    const isOpenEnded = search.value.trim() !== "" && address.value === "";
    address.dataset.ownFault = isOpenEnded ? NOT_CHOSEN : "";
    if (isWritten) checkField(address);
  });
  // Before the focus goes, or the list would be closed when the choice arrives.
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target instanceof Element ? event.target.closest("[role=option]") : null;
    const offer = option ? offers[[...list.children].indexOf(option)] : undefined;
    if (offer) choose(offer);
  });
  address.addEventListener("input", () => {
    search.value = "";
    kept.value = "";
    chosen.textContent = "";
    address.dataset.ownFault = "";
  });
}
