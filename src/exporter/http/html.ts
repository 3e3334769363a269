import { printable } from '../../report/format.js';

/** HTML that is safe to send: only `html` makes it. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | undefined | false | Part[];

/**
 * Fills a template. Parts are escaped unless they are `Html`; lists are joined; `null`, `undefined` and
 * `false` are left out.
 */
export function html(literals: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(literals.reduce((text, literal, i) => text + render(parts[i - 1]) + literal));
}

function render(part: Part): string {
  if (part === null || part === undefined || part === false) return '';
  if (Array.isArray(part)) return part.map(render).join('');
  if (part instanceof Html) return part.text;
  return escaped(String(part));
}

function escaped(text: string): string {
  return printable(text)
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&#39;');
}

/**
 * Wraps the main part into a whole page. Style and script come from this server, so that no other network is
 * needed.
 */
export function page(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · activation-auditor</title>
<link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="data:,">
<script src="/assets/page.js" defer></script>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><a class="home" href="/">activation-auditor</a>
<nav aria-label="Elsewhere"><a href="/runbook">Runbook</a> <a href="/metrics">Metrics</a> <a href="/api/v1/openapi.json">API</a></nav></header>
<main id="main" tabindex="-1">
${main}
</main>
</body>
</html>
`.text;
}
