// The look of a printed certificate: one sheet, black on white, on A4 and on letter paper. As text; loaded by that page only.
import { createAsset } from "./style.ts";

export const CERTIFICATE_STYLE = createAsset({
  name: "certificate",
  extension: "css",
  mediaType: "text/css; charset=utf-8",
  text: `
form.choice { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1.1rem 1.25rem .35rem; margin: 0 0 1.25rem; }
form.choice fieldset { border: 0; margin: 0; padding: 0; min-width: 0; }
form.choice legend { font-weight: 650; padding: 0; margin-bottom: .5rem; }
form.choice ul { list-style: none; margin: 0 0 .75rem; padding: 0; display: grid; gap: 0 1.25rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 15rem), 1fr)); }
form.choice label { display: flex; gap: .6rem; align-items: baseline; padding: .45rem 0; cursor: pointer; }
form.choice input[type="checkbox"] { flex: none; width: 1.15rem; min-height: 0; height: 1.15rem; margin: 0; position: relative; top: .2rem; accent-color: var(--accent); }
.sheet {
  color-scheme: light;
  --ground: #fff; --card: #fff; --ink: #000; --soft: #333; --line: #999; --accent: #000; --accent-ground: #fff; --code: #fff;
  --careful: #000; --careful-ground: #fff; --over: #000; --over-ground: #fff;
  background: #fff; color: #000; max-width: 180mm; margin: 0 auto 2rem; padding: 10mm; border: 1px solid var(--line); font-size: .95rem; line-height: 1.4;
}
.sheet h2 { font-size: 1.7rem; margin: 0; }
.sheet h3 { font-size: 1rem; margin: 1rem 0 .4rem; padding-bottom: .15rem; border-bottom: 1px solid #000; }
.sheet p { max-width: none; margin: 0 0 .4rem; }
.sheet .issuer { font-weight: 650; }
.sheet dl.facts { grid-template-columns: minmax(7rem, 42mm) 1fr; gap: .2rem 1rem; margin: 0; }
.sheet a { color: #000; text-decoration: none; }
.sheet .verdict { border: .25rem solid #000; padding: .5rem .8rem; margin: .8rem 0; }
.sheet .verdict strong { display: block; font-size: 1.7rem; line-height: 1.2; text-transform: uppercase; letter-spacing: .03em; }
.sheet .verdict p { margin: .2rem 0 0; }
.codes-printed { display: flex; flex-wrap: wrap; gap: 4mm 8mm; align-items: flex-start; margin-top: 4mm; }
.codes-printed figure { margin: 0; display: flex; flex-wrap: wrap; gap: 1mm 2mm; flex: 1 1 70mm; align-items: flex-start; min-width: 0; }
.codes-printed figcaption { flex: 1 1 32mm; font-size: .85rem; min-width: 0; }
.codes-printed svg { display: block; flex: none; }
.sheet ol { margin: 0; padding-inline-start: 1.2rem; font-size: .9rem; }
.sheet ol > li { margin-bottom: .25rem; }
.sheet .carrier { border: 1px solid #000; padding: .35rem .6rem; margin: .6rem 0 .4rem; font-weight: 650; }
.sheet .printed { font-size: .85rem; margin: 0; }
@media (max-width: 34rem) {
  .sheet { padding: 1rem; }
  .sheet dl.facts { grid-template-columns: 1fr; gap: 0; }
  .sheet dl.facts dd { margin-bottom: .4rem; }
}
@page { margin: 14mm 15mm; }
@media print {
  html { font-size: 9.5pt; }
  body { background: #fff; }
  .skip, header.top, footer, .on-screen { display: none; }
  main.wrap { max-width: none; padding: 0; }
  .sheet { border: 0; padding: 0; margin: 0 auto; line-height: 1.28; }
  .sheet h3 { margin: .8rem 0 .3rem; }
  .sheet .text { line-height: inherit; }
  .sheet dl.facts { grid-template-columns: 42mm 1fr; gap: .2rem 1rem; }
  .sheet dl.facts dd { margin: 0; }
  .sheet dl.facts dt, .sheet dl.facts dd, .sheet figure, .sheet .verdict, .sheet .carrier, .sheet li { break-inside: avoid; }
  .sheet h3 { break-after: avoid; }
}
`,
});
