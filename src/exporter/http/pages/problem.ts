import type { Problem } from '../../schema.js';
import { type Html, html } from '../html.js';

/** Shows a person what went wrong; programs get the same as JSON. */
export function problemPage({ title, status, detail, requestId }: Problem): Html {
  return html`<h1>${title}</h1>
<p>${detail}</p>
<p><a href="/">All models</a></p>
<p class="dim">Status ${status}, request ${requestId}.</p>`;
}
