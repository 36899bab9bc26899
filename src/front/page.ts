import { style } from './page-style.ts';

export interface PageParts {
  readonly title: string;
  /** HTML. */
  readonly main: string;
  /** HTML behind the title, for what a page is to do without its script. */
  readonly head?: string;
  readonly script?: string;
}

/** A page that needs nothing from anywhere else, and the policy that says so. */
export interface Page {
  readonly html: string;
  readonly policy: string;
}

export function page({ title, main, head = '', script }: PageParts): Page {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
${head}<style>${style}</style>
</head>
<body>
<main>
${main}
</main>
${script === undefined ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
  const scripts = script === undefined ? '' : `; script-src ${hashOf(script)}; connect-src 'self'`;
  return { html, policy: `default-src 'none'; style-src ${hashOf(style)}; img-src data:${scripts}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'` };
}

export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

const hashes = new Map<string, string>();

/** There are two texts of ours, ever. */
function hashOf(text: string): string {
  let hash = hashes.get(text);
  // Loaded by the first page: it is a millisecond that no other client of a new process is to wait for.
  if (hash === undefined) hashes.set(text, hash = `'sha256-${process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('base64')}'`);
  return hash;
}
