// The look of all pages: one style sheet and one icon, as text, so that they are compiled with the program. No external assets.
import { sha256 } from "../crypto/hash.ts";

const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --ground: #f6f7f5; --card: #ffffff; --ink: #17211f; --soft: #4b5a56; --line: #d3dad6;
  --accent: #0b5f56; --accent-ground: #e2efec; --code: #eef1ef;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101615; --card: #18201f; --ink: #e8eeec; --soft: #a9b8b3; --line: #33403d;
    --accent: #7fd3c4; --accent-ground: #1d322e; --code: #0c1110;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--ink); overflow-wrap: anywhere; }
.wrap { max-width: 64rem; margin: 0 auto; padding: 0 1.25rem; }
a { color: var(--accent); text-underline-offset: .15em; }
a:hover { text-decoration-thickness: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -100vw; background: var(--card); padding: .75rem 1.25rem; }
.skip:focus { left: 0; }
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
@media (max-width: 34rem) {
  .wrap { padding: 0 1rem; }
  dl.facts { grid-template-columns: 1fr; gap: 0; }
  dl.facts dd { margin-bottom: .8rem; }
}
@media print { header.top, ul.cards > li { background: none; } .skip { display: none; } }
`;

const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5f56"/><path d="M8.5 16.5l5 5 10-11" fill="none" stroke="#fff" stroke-width="3.6" stroke-linecap="round" stroke-linejoin="round"/></svg>`;

export interface Asset {
  /** Below the node's base path; changes with the content, so that it may be kept for ever. */
  readonly path: string;
  readonly mediaType: string;
  readonly text: string;
}

function createAsset(options: { name: string; extension: string; mediaType: string; text: string }): Asset {
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
