// Sends a file as soon as it is chosen, shows how far it is, and puts what names it into the form.
import { checkField } from "./form-checks.ts";
import type { AskedForm } from "./pick-client.ts";
import { sendFile } from "./upload-client.ts";

function formatSize(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

export function prepareUpload(upload: HTMLElement, form: AskedForm): void {
  const held = upload.querySelector<HTMLInputElement>("[data-held]");
  const text = upload.querySelector<HTMLElement>("[data-held-text]");
  const input = upload.querySelector<HTMLInputElement>("input[type=file]");
  if (!held || !text || !input) return;
  const types = (upload.dataset.types ?? "").split(",");
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.hidden = true;
  bar.setAttribute("aria-label", "Sending the file");
  const state = document.createElement("p");
  state.className = "state";
  state.setAttribute("role", "status");
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "quiet take-away";
  remove.textContent = "Take the file away";
  remove.hidden = held.value === "";
  upload.append(bar, state, remove);
  let turn = 0;

  function fail(fault: string): void {
    input!.dataset.ownFault = fault;
    checkField(input!);
  }

  async function send(file: File): Promise<void> {
    const own = ++turn;
    input!.dataset.ownFault = "The file is still being sent; wait a moment.";
    if (!types.includes(file.type)) {
      input!.value = "";
      fail(`Choose a file of type ${types.join(", ")}.`);
      return;
    }
    bar.hidden = false;
    bar.value = 0;
    state.textContent = `Sending ${file.name}…`;
    try {
      const sent = await sendFile(form, file, (share) => {
        if (own === turn) bar.value = share;
      });
      if (own !== turn) return;
      held!.value = sent.text;
      text!.textContent = `${file.name} (${formatSize(sent.bytes)})`;
      state.textContent = "The file is there. It belongs to the record once you save.";
      remove.hidden = false;
      fail("");
    } catch (error) {
      if (own !== turn) return;
      state.textContent = "";
      input!.value = "";
      fail(error instanceof Error ? error.message : "The file was not taken. Try again.");
    } finally {
      if (own === turn) bar.hidden = true;
    }
  }

  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) void send(file);
  });
  remove.addEventListener("click", () => {
    turn += 1;
    held.value = "";
    text.textContent = "";
    input.value = "";
    state.textContent = "The file is taken away once you save.";
    remove.hidden = true;
    bar.hidden = true;
    fail("");
    input.focus();
  });
}
