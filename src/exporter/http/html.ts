import { printable } from '../../report/format.js';

/** HTML that is safe to send: made by `html` alone. */
export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | null | undefined | false | Part[];

/** A template whose parts are escaped unless they are `Html` themselves; lists are joined, nothing is left out as ''. */
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

/** A whole page. Style and script come from this server: the pages work without any other network. */
export function page(title: string, main: Html, { live = false } = {}): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · activation-auditor</title>
<link rel="stylesheet" href="/assets/style.css">
<link rel="icon" href="data:,">
${live && new Html('<script src="/assets/live.js" defer></script>')}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><a class="home" href="/">activation-auditor</a>
<nav aria-label="Elsewhere"><a href="/metrics">Metrics</a> <a href="/api/v1/openapi.json">API</a></nav></header>
<main id="main" tabindex="-1">
${main}
</main>
</body>
</html>
`.text;
}
