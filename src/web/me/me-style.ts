// The look of a citizen's pages beside that of all pages. Sides are named by the direction of writing, so that each works from right to left, too.
import { createAsset } from "../style.ts";

export const ME_STYLE = createAsset({
  name: "me",
  extension: "css",
  mediaType: "text/css; charset=utf-8",
  text: `
.small { font-size: .92rem; }
dl.facts.narrow { grid-template-columns: 1fr; gap: 0; margin: 0; }
dl.facts.narrow dd { margin-bottom: .5rem; }
dl.facts dd > .small { margin: .15rem 0 0; }
button.quiet { background: none; color: var(--accent); border: 1px solid var(--input); }
button.over { background: var(--over); color: var(--card); }
.languages ul, .tabs ul { list-style: none; margin: 0; padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.languages { float: inline-end; }
.languages a { display: inline-block; padding: .3rem 0; }
.languages a[aria-current], .tabs a[aria-current] { color: var(--ink); font-weight: 650; text-decoration: none; border-block-end: .2rem solid var(--accent); }
.tabs { margin-top: 1rem; }
.tabs a { display: inline-block; padding: .5rem 0; }
main section.record { padding: 1.1rem 1.25rem .35rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); margin: 0 0 1.25rem; }
main section.record h3 { margin: 0 0 .2rem; }
main section.record dl.facts { margin-top: .8rem; }
ol.timeline ol.timeline { margin-top: .6rem; }
fieldset { border: 1px solid var(--line); border-radius: .4rem; padding: .6rem 1rem; margin: 0 0 1rem; min-width: 0; }
legend { font-weight: 600; padding: 0 .3rem; }
.tick { display: flex; gap: .7rem; align-items: flex-start; padding: .45rem 0; }
.tick input { flex: none; width: 1.5rem; min-height: 1.5rem; height: 1.5rem; margin: .05rem 0 0; accent-color: var(--accent); }
.tick label { flex: 1; min-width: 0; }
.tick .soft { display: block; }
.tick > div { flex: 1; min-width: 0; }
.tick > div > label { display: block; font-weight: 600; }
.spoken { font-size: 1.5rem; font-weight: 650; letter-spacing: .04em; font-variant-numeric: tabular-nums; }
.qr { margin: 0 0 1rem; }
.qr svg { max-width: 100%; height: auto; display: block; }
.choice { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem 1.25rem .9rem; margin: 0 0 1rem; }
.choice p { margin: .6rem 0 0; }
.choice form > .field + .field, .choice form > fieldset + .field, .choice form > .field + fieldset { margin-top: 1.1rem; }
.choice > details { margin: 0; }
#answers:not(:empty) { padding-block: 1.5rem .5rem; }
#answers h4 { margin: 1.1rem 0 .4rem; }
#answers section > p:last-child { margin-block-start: 1rem; }
.choice input[type="date"] { max-width: 16rem; }
main > .space + .space { padding-top: 0; }
blockquote { margin: 0 0 1rem; padding: .2rem 0 .2rem 0; padding-inline-start: 1rem; border-inline-start: .25rem solid var(--line); max-width: 44rem; }
blockquote p:last-child { margin: 0; }
[dir="rtl"] .crumbs li + li::before { content: "‹" / ""; }
@media (max-width: 34rem) { .languages { float: none; margin-bottom: .4rem; } }
`,
});
