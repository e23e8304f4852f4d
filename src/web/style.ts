// The look of all pages: one style sheet and one icon, as text, so that they are compiled with the program. No external assets.
import { sha256 } from "../crypto/hash.ts";

const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f5; --card: #ffffff; --ink: #17211f; --soft: #4b5a56; --line: #d3dad6;
  --accent: #0b5f56; --accent-ground: #e2efec; --code: #eef1ef; --on-accent: #ffffff;
  --careful: #6b4700; --careful-ground: #fbefd5; --over: #8a2323; --over-ground: #f8e4e2; --input: #7d8a86;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101615; --card: #18201f; --ink: #e8eeec; --soft: #a9b8b3; --line: #33403d;
    --accent: #7fd3c4; --accent-ground: #1d322e; --code: #0c1110; --on-accent: #0c1f1b;
    --careful: #f0cf8c; --careful-ground: #3a2f17; --over: #f3b3ad; --over-ground: #3c2120; --input: #7f908a;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere; }
.wrap { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; inset-inline-start: -100vw; background: var(--card); padding: .75rem 1.25rem; }
.skip:focus { inset-inline-start: 0; }
header.top { border-bottom: 1px solid var(--line); background: var(--card); padding: 2rem 0 1.75rem; }
.kind { margin: 0; color: var(--soft); font-weight: 600; letter-spacing: .02em; }
h1 { margin: .15rem 0 .5rem; font-size: clamp(1.6rem, 1.1rem + 2.4vw, 2.4rem); line-height: 1.2; }
h2 { margin: 0 0 .75rem; font-size: 1.25rem; line-height: 1.3; }
h3 { margin: 0; font-size: 1.1rem; line-height: 1.3; }
p { margin: 0 0 .75rem; max-width: 44rem; }
.lead { margin: 0; color: var(--soft); max-width: 44rem; }
main section { padding: 2rem 0 .75rem; }
main section + section { border-top: 1px solid var(--line); }
ul.plain { list-style: none; margin: 0; padding: 0; }
ul.cards { list-style: none; margin: 0 0 1.25rem; padding: 0; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 19rem), 1fr)); }
ul.cards > li { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem 1.25rem; display: flex; flex-direction: column; gap: .6rem; }
ul.cards p { margin: 0; }
.count { font-size: 1.6rem; font-weight: 650; line-height: 1.2; font-variant-numeric: tabular-nums; }
.count small { font-size: .95rem; font-weight: 400; color: var(--soft); }
.soft { color: var(--soft); }
.links { display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; margin-top: auto; }
.links a { display: inline-block; padding: .2rem 0; }
ul.plain > li + li { margin-top: .3rem; }
.note { background: var(--accent-ground); border-inline-start: .3rem solid var(--accent); padding: 1rem 1.25rem; border-radius: .25rem; max-width: 46rem; margin: 0 0 1.25rem; }
.note p:last-child { margin: 0; }
dl.facts { margin: 0 0 1.25rem; display: grid; grid-template-columns: minmax(9rem, 13rem) 1fr; gap: .6rem 1.25rem; }
dl.facts dt { color: var(--soft); }
dl.facts dd { margin: 0; }
code, pre { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace; font-size: .9em; }
code { background: var(--code); padding: .1em .3em; border-radius: .25em; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: .4rem; padding: .85rem 1rem; margin: 0 0 1rem; white-space: pre-wrap; }
pre code { background: none; padding: 0; font-size: 1em; }
ol.steps { margin: 0; padding-inline-start: 1.4rem; }
ol.steps > li { margin-bottom: .5rem; }
footer { border-top: 1px solid var(--line); padding: 1.25rem 0 2.5rem; margin-top: 1.5rem; color: var(--soft); font-size: .92rem; }
.note.warning { background: var(--careful-ground); border-inline-start-color: var(--careful); }
.note ul { margin: 0 0 .75rem; padding-inline-start: 1.2rem; }
main > .note { margin-top: 1.5rem; }
.space { padding: 2rem 0 1rem; }
.crumbs ol { list-style: none; margin: 0 0 .6rem; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem .5rem; font-size: .95rem; }
.crumbs li { display: flex; gap: .5rem; }
.crumbs li + li::before { content: "›" / ""; color: var(--soft); }
.crumbs a { display: inline-block; padding: .15rem 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.badge { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .9rem; font-weight: 600; white-space: nowrap; color: var(--accent); background: var(--accent-ground); }
.badge.careful { color: var(--careful); background: var(--careful-ground); }
.badge.over { color: var(--over); background: var(--over-ground); }
.text { white-space: pre-line; }
.number { font-variant-numeric: tabular-nums; }
form.search { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem 1.25rem .35rem; margin: 0 0 1.25rem; }
.fields { display: grid; gap: .9rem 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); align-items: start; }
.field { margin: 0; padding: 0; border: 0; min-width: 0; }
.field > label, .field > legend { display: block; font-weight: 600; padding: 0; margin-bottom: .25rem; }
.field label .soft { font-weight: 400; }
.field > p { margin: .25rem 0 0; font-size: .92rem; }
.range { display: grid; grid-template-columns: 1fr 1fr; gap: .6rem; }
.range.days { grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr)); }
.range > div { min-width: 0; }
.range label { display: block; color: var(--soft); font-size: .9rem; }
form.search > .field + .fields { margin-top: .9rem; }
input, select, textarea, button { font: inherit; color: inherit; }
input, select, textarea { width: 100%; min-height: 2.75rem; padding: .35rem .6rem; background: var(--ground); border: 1px solid var(--input); border-radius: .3rem; }
select { text-overflow: ellipsis; }
[aria-invalid="true"] { border-color: var(--over); border-width: 2px; }
.fault { color: var(--over); font-weight: 600; }
button, a.button { display: inline-block; min-height: 2.75rem; padding: .55rem 1.3rem; background: var(--accent); color: var(--on-accent); border: 0; border-radius: .3rem; font-weight: 650; text-decoration: none; cursor: pointer; line-height: 1.6; }
button:hover, a.button:hover { text-decoration: underline; }
.buttons { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.25rem; margin: 1rem 0; }
details { margin: .75rem 0; }
td details { margin: 0; }
summary { cursor: pointer; padding: .4rem 0; color: var(--accent); }
td summary { padding: 0; }
.space nav { margin-bottom: 1rem; }
.links { align-items: center; max-width: none; }
details > .fields, details > dl, details > p { margin-top: .6rem; }
table.records { width: 100%; border-collapse: collapse; margin: 0 0 1.25rem; background: var(--card); border: 1px solid var(--line); }
table.records th, table.records td { padding: .6rem .8rem; text-align: start; vertical-align: top; border-bottom: 1px solid var(--line); }
table.records thead th { color: var(--soft); font-weight: 600; font-size: .92rem; }
table.records thead th, table.records td { overflow-wrap: break-word; }
table.records .number, table.records td time { white-space: nowrap; }
.scroll { overflow-x: auto; }
table.records tbody th { font-weight: 600; min-width: 10rem; }
.pages { margin: 0 0 1.25rem; }
dl.facts dl.facts { margin: 0; }
ul.groups > li { border-inline-start: .2rem solid var(--line); padding-inline-start: .8rem; }
ul.groups > li + li { margin-top: .8rem; }
dl.codes { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: 0; }
dl.codes dd { margin: 0; }
code.long { display: block; max-height: 12rem; overflow: auto; }
ul.asked { list-style: none; margin: 0 0 .5rem; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; }
.found { color: var(--soft); }
ol.timeline { list-style: none; margin: 0 0 1.25rem; padding: 0; border-inline-start: .2rem solid var(--line); }
ol.timeline > li { position: relative; padding: 0 0 1.3rem; padding-inline-start: 1.4rem; }
ol.timeline > li::before { content: ""; position: absolute; inset-inline-start: -.45rem; top: .45rem; width: .7rem; height: .7rem; border-radius: 50%; background: var(--accent); }
ol.timeline h3 { margin-bottom: .2rem; }
ol.timeline p { margin: 0 0 .35rem; }
ol.timeline dl { margin: .4rem 0; }
.before { color: var(--soft); }
ul.tree { list-style: none; margin: 0 0 1.25rem; padding: 0; }
ul.tree ul.tree { margin: 0; padding-inline-start: clamp(.7rem, 3vw, 1.6rem); border-inline-start: .15rem solid var(--line); }
ul.tree > li { margin-top: .8rem; }
ul.tree details { margin: .2rem 0 0; }
.member { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; }
.member p { margin: 0; max-width: none; }
.member .name { display: flex; flex-wrap: wrap; align-items: baseline; gap: .2rem .7rem; }
ul.cards .member { background: none; border: 0; padding: 0; }
.more { margin: .4rem 0 0; }
details.operation { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 .6rem; padding: .3rem 1rem; }
details.operation[open] { padding-bottom: .6rem; }
details.operation .within { scroll-margin-top: 6rem; }
details.operation summary .what { display: block; color: var(--soft); }
details.operation h4 { margin: 1rem 0 .4rem; }
.method { font: 650 .85rem/1.4 ui-monospace, monospace; color: var(--accent); }
.method.post, .method.put, .method.patch { color: var(--careful); }
main section.example { padding: 0; border: 0; max-height: 24rem; overflow: auto; margin: 0 0 1rem; }
main section.example pre { margin: 0; }
.give { display: grid; gap: 1.1rem 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); align-items: start; }
.give textarea { min-height: 6.5rem; font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace; font-size: .9rem; resize: vertical; }
#verify.dropping #give-form { outline: 3px dashed var(--accent); outline-offset: .6rem; border-radius: .3rem; }
@media (hover: hover) and (pointer: fine) { .by-camera { display: none; } }
.progress { margin: 0; color: var(--soft); }
.progress:not(:empty) { margin-top: 1rem; }
main section.answer { padding-top: 1.5rem; }
#answer:not(:empty) + section { border-top: 1px solid var(--line); }
.verdict { display: flex; gap: 1.1rem; align-items: flex-start; padding: 1.2rem 1.4rem; border-radius: .5rem; border: 2px solid var(--accent); background: var(--accent-ground); margin: 0 0 1.25rem; }
.verdict h2 { font-size: clamp(1.6rem, 1.1rem + 2.4vw, 2.4rem); line-height: 1.15; margin: 0 0 .3rem; color: var(--accent); }
.verdict h2:focus-visible { outline-offset: .3rem; }
.verdict > div { min-width: 0; }
.verdict p, .verdict ul { margin: 0; max-width: 44rem; }
.verdict ul { margin-top: .5rem; padding-inline-start: 1.2rem; }
.sign { flex: none; width: 3.2rem; height: 3.2rem; border-radius: 50%; display: grid; place-items: center; font-size: 1.9rem; font-weight: 700; background: var(--accent); color: var(--on-accent); }
.verdict.invalid { border-color: var(--over); background: var(--over-ground); }
.verdict.invalid h2 { color: var(--over); }
.verdict.invalid .sign { background: var(--over); }
.verdict.undecided { border-color: var(--careful); background: var(--careful-ground); }
.verdict.undecided h2 { color: var(--careful); }
.verdict.undecided .sign { background: var(--careful); }
.answer h3 { margin: 0 0 .6rem; }
.judged { font-size: .95rem; }
.fingerprint { display: inline-block; }
@media (scripting: none) { .scripted { display: none; } }
@media (max-width: 44rem) {
  table.records, table.records tbody, table.records tr, table.records td, table.records th { display: block; }
  table.records { border: 0; background: none; }
  table.records thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table.records tr { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem 1rem; margin-bottom: .8rem; }
  table.records tbody th, table.records td { border: 0; padding: .2rem 0; min-width: 0; }
  table.records thead th, table.records td { overflow-wrap: break-word; }
table.records .number, table.records td time { white-space: nowrap; }
.scroll { overflow-x: auto; }
table.records tbody th { font-size: 1.05rem; }
  table.records td { display: grid; grid-template-columns: minmax(6rem, 32%) 1fr; gap: .75rem; }
  table.records td { overflow-wrap: anywhere; }
  table.records td > div { min-width: 0; }
  table.records td.empty { display: none; }
  table.records td::before { content: attr(data-label); color: var(--soft); }
}
@media (max-width: 34rem) {
  .wrap { padding: 0 1rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .8rem; }
}
@media (max-width: 34rem) { .verdict { padding: 1rem; gap: .8rem; } .sign { width: 2.4rem; height: 2.4rem; font-size: 1.4rem; } }
@media print {
  header.top, ul.cards > li { background: none; }
  .skip { display: none; }
  .answer ~ :not(.answer, .judged), #verify > section, .answer .buttons, .answer details:not([open]), .answer .offer { display: none; }
  body:has(.answer) header.top, body:has(.answer) footer { display: none; }
  .verdict, .badge { background: none !important; print-color-adjust: exact; }
}
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5f56"/><path d="M8.5 16.5l5 5 10-11" fill="none" stroke="#fff" stroke-width="3.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

export interface Asset {
  /** Below the node's base path; changes with the content, so that it may be kept for ever. */
  readonly path: string;
  readonly mediaType: string;
  readonly text: string;
}

export function createAsset(options: { name: string; extension: string; mediaType: string; text: string }): Asset {
  const { name, extension, mediaType, text } = options;
  const digest = Buffer.from(sha256(text)).toString("hex").slice(0, 12);
  return { path: `/assets/${name}-${digest}.${extension}`, mediaType, text };
}

export const STYLE: Asset = createAsset({
  name: "style",
  extension: "css",
  mediaType: "text/css; charset=utf-8",
  text: STYLE_SHEET,
});

export const SITE_ICON: Asset = createAsset({
  name: "icon",
  extension: "svg",
  mediaType: "image/svg+xml",
  text: ICON,
});
