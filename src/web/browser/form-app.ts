// The forms for records at work: checks while typing, rows, searching of references, sending of files. The form works without it, but for files.
import { RECORD_FORM_ALIVE_MS } from "../../limits.ts";
import { checkForm, watchFields } from "./form-checks.ts";
import { preparePicker } from "./form-picker.ts";
import { watchRows } from "./form-rows.ts";
import { prepareUpload } from "./form-upload.ts";
import { type AskedForm, keepSession } from "./pick-client.ts";

function start(form: HTMLFormElement): void {
  const asked: AskedForm = {
    basePath: form.dataset.basePath ?? "",
    registry: form.dataset.registry ?? "",
    token: form.querySelector<HTMLInputElement>("input[name=form_token]")?.value ?? "",
  };
  const status = document.getElementById("form-status");
  const say = (text: string): void => {
    if (status) status.textContent = text;
  };

  function warn(text: string): void {
    const warning = document.createElement("p");
    warning.className = "note warning";
    warning.setAttribute("role", "alert");
    warning.textContent = text;
    form.querySelector(".buttons")?.before(warning);
  }

  function prepare(root: HTMLElement): void {
    for (const picker of root.querySelectorAll<HTMLElement>("[data-pick]")) preparePicker(picker, asked);
    for (const upload of root.querySelectorAll<HTMLElement>("[data-upload]")) prepareUpload(upload, asked);
  }

  let isSent = false;
  // A page that the browser kept and shows again was not sent.
  window.addEventListener("pageshow", () => {
    isSent = false;
  });
  form.addEventListener("submit", (event) => {
    const faults = isSent ? 0 : checkForm(form);
    if (!isSent && faults === 0) {
      isSent = true;
      say("Saving…");
      return;
    }
    event.preventDefault();
    if (faults > 0) say(`Not saved yet: ${faults === 1 ? "one thing is" : `${faults} things are`} to be mended.`);
  });
  let toldAt = performance.now();
  form.addEventListener("input", () => {
    if (performance.now() - toldAt < RECORD_FORM_ALIVE_MS) return;
    toldAt = performance.now();
    keepSession(asked).catch((error: Error) => warn(error.message));
  });
  watchFields(form);
  watchRows(form, { prepare, say });
  prepare(form);
  // For who waits until the form is ready.
  form.dataset.ready = "";
}

const form = document.getElementById("record-form");
if (form instanceof HTMLFormElement) start(form);
