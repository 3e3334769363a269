import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runbookPage } from '../../../../src/exporter/http/pages/runbook.js';
import { packageFile } from '../../../../src/files/package.js';
import { temporaryFolder } from '../../metrics/services.js';

describe('the page of the runbook', () => {
  it('shows headings with anchors, paragraphs, emphasis, code and commands', () => {
    const file = join(temporaryFolder(), 'RUNBOOK.md');
    writeFileSync(
      file,
      '# Runbook\n\nOne\nparagraph with `a < b`.\n\n## AnAlert\n\n**What.** See *Model* and\n`x`.\n\n```sh\naudit m.onnx > out\n```\n\nEnd.\n',
    );
    expect(runbookPage(file).text).toBe(
      '<h1>Runbook</h1><p>One paragraph with <code>a &lt; b</code>.</p><h2 id="analert">AnAlert</h2>' +
        '<p><strong>What.</strong> See <em>Model</em> and <code>x</code>.</p>' +
        '<pre><code>audit m.onnx &gt; out\n</code></pre><p>End.</p>',
    );
  });

  it('has an anchor for every alert, and no Markdown left', () => {
    const { text } = runbookPage(packageFile('grafana/RUNBOOK.md'));
    expect(text).toContain('<h2 id="activationauditstale">');
    expect(text.replace(/<pre>[\s\S]*?<\/pre>|<code>.*?<\/code>/g, '')).not.toMatch(/`|\*\*|^#/m);
  });
});
