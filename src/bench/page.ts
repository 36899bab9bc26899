/** One self-contained page of results: nothing is loaded from anywhere, and it follows the reader's light or dark. */

export interface Page {
  readonly title: string;
  /** Plain text, a paragraph each. */
  readonly lead: readonly string[];
  readonly sections: readonly Section[];
}

export interface Section {
  readonly title: string;
  /** Plain text, below it. */
  readonly notes?: readonly string[];
  /** Markup of charts.ts or {@link table}. */
  readonly body: string;
}

export interface TableContent {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

// Okabe and Ito's palette, which people with colour-blindness tell apart; on dark ground a little lighter.
const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1c2024; --soft: #5b6670; --line: #d8dde2; --panel: #f5f7f9;
  --c0: #0072b2; --c1: #e69f00; --c2: #009e73; --c3: #cc79a7; --c4: #d55e00; --c5: #56b4e9; --c6: #7a5195; --c7: #8a949e; --other: #8a949e; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --ink: #e6e9ec; --soft: #9aa5af; --line: #343b42; --panel: #1c2126;
  --c0: #4ba3db; --c1: #f0b429; --c2: #2fc79a; --c3: #dd94bd; --c4: #f0803c; --c5: #8fd0f5; --c6: #b794d6; --c7: #77828c; --other: #77828c; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 64rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2.5rem 0 .75rem; border-top: 1px solid var(--line); padding-top: 1rem; }
p { margin: .4rem 0; } .soft, .notes { color: var(--soft); font-size: .875rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; } td.n, th.n { text-align: right; }
.row { display: grid; grid-template-columns: 13rem 1fr 6.5rem; gap: .15rem .75rem; align-items: end; margin: .35rem 0; }
.row .name { text-align: right; font-size: .875rem; } .row .figure { font-size: .875rem; font-variant-numeric: tabular-nums; white-space: nowrap; } .row.ours .name { font-weight: 600; }
.plot { position: relative; height: 2rem; border-bottom: 1px solid var(--line); } .plot i { position: absolute; bottom: 0; background: var(--other); min-width: 2px; }
.ours .plot i { background: var(--c0); } .plot b { position: absolute; bottom: -.3rem; height: 2.2rem; width: 2px; background: var(--ink); }
.axis .plot { height: 1.4rem; border: 0; } .axis .plot span { position: absolute; top: 0; transform: translateX(-50%); font-size: .75rem; color: var(--soft); white-space: nowrap; }
.stack { display: flex; height: 1.4rem; } .stack i { display: block; min-width: 1px; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .875rem; margin: .5rem 0; } .legend i { display: inline-block; width: .8em; height: .8em; margin-right: .35em; }
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: 1rem; } figure { margin: 0; padding: .6rem; background: var(--panel); }
figcaption { font-size: .8125rem; } svg { display: block; width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
@media (max-width: 40rem) { .row { grid-template-columns: 1fr auto; } .row .name { text-align: left; } .row .plot, .row .stack { grid-column: 1 / -1; grid-row: 2; } .axis .name, .axis .figure { display: none; } }
`;

export function page({ title, lead, sections }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeText(title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escapeText(title)}</h1>
${lead.map((text) => `<p>${escapeText(text)}</p>`).join('\n')}
${sections.map(({ title: heading, body, notes = [] }) => `<h2>${escapeText(heading)}</h2>\n${body}\n<div class="notes">${notes.map((note) => `<p>${escapeText(note)}</p>`).join('')}</div>`).join('\n')}
</body>
</html>
`;
}

export function table({ head, rows }: TableContent): string {
  const kind = (column: number): string => (rows.every((row) => /^(?:$|[-\d.]+$|[\d.]+ \()/.test(row[column] ?? '')) ? ' class="n"' : '');
  const cells = (tag: string, row: readonly string[]): string => `<tr>${row.map((cell, column) => `<${tag}${kind(column)}>${escapeText(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="scroll"><table><thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('\n')}</tbody></table></div>`;
}

export function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
