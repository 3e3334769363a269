import { describe, expect, it } from 'vitest';
import { html, page } from '../../../src/exporter/http/html.js';
import { sentence } from '../../../src/exporter/http/pages/parts.js';

describe('a template', () => {
  it('escapes its parts, but for those that are templates themselves', () => {
    const name = `<script>"a" & 'b'</script>`;
    expect(html`<b>${name}</b>`.text).toBe(
      '<b>&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;</b>',
    );
    expect(html`<p>${html`<b>x</b>`}</p>`.text).toBe('<p><b>x</b></p>');
  });

  it('joins lists and leaves out what is not there', () => {
    expect(html`${['a', 'b']}${null}${undefined}${false}${0}`.text).toBe('ab0');
  });

  it('shows control characters instead of sending them', () => {
    const { text } = html`${'a\u001b[31m\u202eb'}`;
    for (const letter of ['\u001b', '\u202e']) expect(text).not.toContain(letter);
  });

  it('of a whole page escapes the title', () => {
    expect(page('</title><script>', html`x`)).toContain('<title>&lt;/title&gt;&lt;script&gt; ·');
  });
});

describe('a sentence', () => {
  it.each([
    ['Use `a` or `b`.', 'Use <code>a</code> or <code>b</code>.'],
    ['An odd ` stays', 'An odd ` stays'],
    ['`<b>` is text', '<code>&lt;b&gt;</code> is text'],
  ])('%j shows words in backticks as code', (text, expected) => {
    expect(sentence(text).text).toBe(expected);
  });
});
