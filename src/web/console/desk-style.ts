// The look of the forms and comparisons of staff pages, beside that of all pages. As text; loaded by those pages only.
import { createAsset } from "../style.ts";

export const DESK_STYLE = createAsset({
  name: "desk",
  extension: "css",
  mediaType: "text/css; charset=utf-8",
  text: `
form.record [hidden] { display: none; }
form.record .field { margin: 0 0 1.25rem; max-width: 40rem; }
form.record .field > .help { margin: 0 0 .3rem; }
form.record .fault { margin: .3rem 0 0; font-size: .95rem; }
.fault:empty, .chosen:empty, .held:empty { display: none; }
.fault:not(:empty)::before { content: "▲ " / ""; }
.needed { font-weight: 400; font-size: .85rem; color: var(--soft); border: 1px solid var(--line); border-radius: .3rem; padding: 0 .35rem; margin-inline-start: .3rem; white-space: nowrap; }
form.record fieldset.group { border: 1px solid var(--line); border-radius: .5rem; padding: .9rem 1.1rem .3rem; margin: 0 0 1.25rem; min-width: 0; max-width: 44rem; }
form.record fieldset.group > legend { font-weight: 650; padding: 0 .4rem; margin-inline-start: -.4rem; }
fieldset.field.faulty { border: 0 solid var(--over); border-inline-start-width: 3px; padding-inline-start: .7rem; }
form.search > .field + .field, form.search > .field ~ .choices, form.search > .choices + .field { margin-top: .9rem; }
.choices { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; }
.choices label { display: flex; align-items: center; gap: .5rem; min-height: 2.75rem; font-weight: 400; }
.choices input { width: 1.3rem; height: 1.3rem; min-height: 0; flex: none; accent-color: var(--accent); }
ol.rows { list-style: none; margin: 0; padding: 0; }
ol.rows > li { margin: 0 0 1rem; }
ol.rows > li > .field { margin-bottom: .4rem; }
button.quiet, a.quiet { background: none; color: var(--accent); border: 1px solid var(--input); padding-inline: .9rem; margin: 0 0 1rem; }
a.button.quiet { text-decoration: none; }
button.danger { background: var(--over); color: var(--ground); }
.pair { display: grid; gap: 0 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 16rem), 1fr)); max-width: 40rem; align-items: start; }
.pair > form { margin: 0 0 1.5rem; }
textarea.code { font-family: ui-monospace, monospace; font-size: .9rem; }
textarea { resize: vertical; }
.summary { padding-top: 1.5rem; }
.summary:focus { outline: none; }
.summary .note { margin: 0; max-width: 44rem; }
.summary:focus-visible .note { outline: 3px solid var(--accent); outline-offset: 2px; }
.picker { position: relative; }
.picker [role="listbox"] { list-style: none; margin: .25rem 0 0; padding: 0; border: 1px solid var(--input); border-radius: .3rem; background: var(--card); max-height: 18rem; overflow-y: auto; }
.picker [role="option"] { padding: .55rem .7rem; cursor: pointer; border-bottom: 1px solid var(--line); min-height: 2.75rem; }
.picker [role="option"]:last-child { border-bottom: 0; }
.picker [role="option"][aria-selected="true"] { background: var(--accent-ground); outline: 2px solid var(--accent); outline-offset: -2px; }
.picker [role="option"] small { display: block; color: var(--soft); }
.picker .state, .upload .state { margin: .25rem 0 0; font-size: .92rem; color: var(--soft); }
.picker details { margin: .3rem 0 0; }
.picker summary { font-size: .92rem; }
.chosen, .held { margin: .3rem 0 0; }
.chosen::before { content: "✓ " / ""; color: var(--accent); font-weight: 700; }
progress { width: 100%; accent-color: var(--accent); }
.upload .take-away { margin: .4rem 0 0; }
tr.changed > * { border-inline-start: 0; }
table.records tr.changed th[scope="row"] { border-inline-start: .35rem solid var(--careful); }
table.records tr.changed td { background: var(--careful-ground); }
.tasks { display: flex; flex-wrap: wrap; gap: .6rem 1rem; margin: 0 0 .75rem; align-items: center; }
.tasks .button { margin: 0; }
form.versions { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 0 0 1.25rem; }
form.versions .field { flex: 1 1 8rem; max-width: 14rem; }
@media (max-width: 44rem) {
  table.records td time { white-space: normal; }
  table.records tr.changed { border-color: var(--careful); border-inline-start-width: .35rem; }
  table.records tr.changed td { background: none; }
  table.records tr.changed th[scope="row"] { border-inline-start: 0; }
}
`,
});
