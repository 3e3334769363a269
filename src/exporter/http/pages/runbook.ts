import { readFileSync } from 'node:fs';
import { type Html, html } from '../html.js';
import { sentence } from './parts.js';

/**
 * Shows the runbook, so that alerts and dashboards have a page to link to: `/runbook#activationauditstale`.
 * The Markdown is our own: headings, paragraphs, `code`, **bold** and fenced commands.
 *
 * @param path Path of RUNBOOK.md.
 */
export function runbookPage(path: string): Html {
  // Between two fences stands a command, with the name of its language on the first line.
  const blocks = readFileSync(path, 'utf8').split(/^```/m);
  return html`${blocks.map((block, i) => (i % 2 === 1 ? command(block) : block.split(/\n{2,}/).map(paragraph)))}`;
}

function command(block: string): Html {
  const lines = block.trimEnd().split('\n').slice(1);
  return html`<pre><code>${lines.map((line) => html`${line}\n`)}</code></pre>`;
}

function paragraph(text: string): Html | null {
  const line = text.trim().replaceAll('\n', ' ');
  if (line === '') return null;
  const [, marks, title] = /^(#{1,2}) (.*)$/.exec(line) ?? [];
  if (marks === '#') return html`<h1>${title}</h1>`;
  if (marks === '##') return html`<h2 id="${title!.toLowerCase()}">${title}</h2>`;
  const parts = line.split(/\*\*(.+?)\*\*/);
  return html`<p>${parts.map((part, i) => (i % 2 === 1 ? html`<strong>${part}</strong>` : emphasised(part)))}</p>`;
}

function emphasised(text: string): Html[] {
  return text
    .split(/(?<!\w)\*(.+?)\*(?!\w)/)
    .map((part, i) => (i % 2 === 1 ? html`<em>${part}</em>` : sentence(part)));
}
