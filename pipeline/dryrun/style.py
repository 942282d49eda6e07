"""The page's style sheet: light and dark, wide, narrow and on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --ink: #16202c; --soft: #5a6675; --line: #dde2e8;
  --track: #e8ecf0; --plain: #3467c4; --good: #1b7f4d; --quiet: #8b97a5; --warn: #a86200;
  --bad: #bf2b2b;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12171d; --card: #1b222b; --ink: #e6ebf1; --soft: #a2aebb; --line: #323c48;
    --track: #2b343f; --plain: #7aa5f5; --good: #4cbf86; --quiet: #7c8897; --warn: #e3a33f;
    --bad: #f07c7c;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 68rem; background: var(--page);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 0; }
.subtitle, .lead, .note, footer { color: var(--soft); overflow-wrap: anywhere; }
.subtitle { margin: .3rem 0 0; }
.lead { margin: .2rem 0 1rem; max-width: 50rem; }
.note { font-size: .85rem; margin: .5rem 0 0; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .8rem 0 0; font-size: .9rem; }
a { color: var(--plain); }
section {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.2rem; margin: 1.2rem 0 0;
}
figure { margin: 1.4rem 0 0; }
.lead + figure { margin-top: 0; }
figcaption { font-weight: 600; margin: 0 0 .4rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .8rem; }
.card { border: 1px solid var(--line); border-top: 4px solid var(--plain); border-radius: 8px;
  padding: .6rem .8rem; }
.card .label, .card small { display: block; color: var(--soft); font-size: .82rem; }
.card strong { display: block; font-size: 1.6rem; line-height: 1.3; }
.card.good { border-top-color: var(--good); } .card.bad { border-top-color: var(--bad); }
.card.quiet { border-top-color: var(--quiet); } .card.warn { border-top-color: var(--warn); }
.card.bad strong { color: var(--bad); }
.hints { list-style: none; margin: 1.2rem 0 0; padding: 0; display: grid; gap: .5rem; }
.hints li { display: flex; gap: .8rem; border-left: 4px solid var(--plain); padding: .1rem .8rem; }
.hints li span { overflow-wrap: anywhere; min-width: 0; }
.hints b { flex: 0 0 4.6rem; color: var(--plain); }
.hints .good { border-color: var(--good); } .hints .good b { color: var(--good); }
.hints .warn { border-color: var(--warn); } .hints .warn b { color: var(--warn); }
.hints .bad { border-color: var(--bad); } .hints .bad b { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: .82rem; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
td code { display: inline-block; min-width: 9rem; }
td span code { display: inline; min-width: 0; }
td.bar { white-space: nowrap; }
td.bar span { font-variant-numeric: tabular-nums; margin-left: .5rem; }
.meter { width: 6rem; height: .55rem; vertical-align: middle; }
.track { fill: var(--track); }
.mark { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  white-space: nowrap; }
.mark.good { color: var(--good); } .mark.bad { color: var(--bad); }
.mark.warn { color: var(--warn); } .mark.quiet { color: var(--soft); }
.plain .value, .value.plain { fill: var(--plain); } .good .value, .value.good { fill: var(--good); }
.quiet .value, .value.quiet { fill: var(--quiet); } .warn .value, .value.warn { fill: var(--warn); }
.bad .value, .value.bad { fill: var(--bad); }
.stack svg { width: 100%; height: 1.6rem; border-radius: 6px; background: var(--track); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: .5rem 0 0;
  padding: 0; font-size: .9rem; }
.legend li::before { content: ""; display: inline-block; width: .8em; height: .8em;
  border-radius: 3px; margin-right: .4em; background: var(--plain); }
.legend .good::before { background: var(--good); } .legend .bad::before { background: var(--bad); }
.legend .quiet::before { background: var(--quiet); }
.legend b { margin-right: .35em; }
.chart { display: flex; gap: .5rem; }
.chart svg { flex: 1; min-width: 0; height: 8rem; border-bottom: 1px solid var(--soft); }
.axis { display: flex; flex-direction: column; justify-content: space-between; text-align: right;
  min-width: 2.5rem; color: var(--soft); font-size: .8rem; line-height: 1; }
.grid { stroke: var(--line); }
.ends { display: flex; justify-content: space-between; flex-wrap: wrap; gap: 0 1rem;
  color: var(--soft); font-size: .8rem; margin: .3rem 0 0 3rem; }
footer { margin: 1.5rem 0 0; font-size: .9rem; }
@media (max-width: 40rem) {
  body { padding: 1rem .6rem 2rem; }
  section { padding: .9rem; }
  .cards { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .card strong { font-size: 1.25rem; }
  thead { position: absolute; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  td, td.number { display: flex; justify-content: space-between; gap: 1rem; padding: .1rem 0;
    border: 0; text-align: right; white-space: normal; }
  td:first-child { font-weight: 600; text-align: left; }
  td:first-child::before { display: none; }
  td::before { content: attr(data-title); flex: none; max-width: 45%; color: var(--soft);
    font-weight: 400; text-align: left; font-size: .85em; }
  td:empty, td:has(> span:only-child:empty) { display: none; }
  td > * { min-width: 0; }
  td.bar { align-items: center; } td.bar .meter { margin-left: auto; flex: none; width: 5rem; }
  td.bar span { margin-left: 0; }
  .mark { white-space: normal; overflow-wrap: anywhere; }
  .ends { margin-left: 0; }
  .hints li { flex-direction: column; gap: 0; }
  .hints b { flex: none; }
}
@media print {
  :root { --page: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --track: #eee;
    --plain: #2450a0; --good: #14633b; --quiet: #8b97a5; --warn: #8a5000; --bad: #a01f1f; }
  html { font-size: 10.5px; }
  body { max-width: none; padding: 0; font-size: 1rem; }
  nav { display: none; }
  section { border: 0; border-top: 1px solid #999; border-radius: 0; padding: .8rem 0; }
  .scroll { overflow: visible; }
  tr, .card, .hints li, .plot, .stack { break-inside: avoid; }
  h2, .lead, figcaption { break-after: avoid; }
  svg, .card, .legend li::before { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
