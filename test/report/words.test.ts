import { describe, expect, it } from 'vitest';
import {
  dataName,
  facts,
  indexList,
  layerName,
  modelOnData,
  reportWords,
  siteName,
} from '../../src/report/words.js';
import { reluRows, reportOf, siteOf, smallReport } from './fixture.js';

const report = smallReport();

describe('a report in words', () => {
  it('counts positions where data and sites have the same', () => {
    const words = reportWords(report);
    expect(words.data).toMatch(/ · [\d,]+ positions in [\d,]+ sequences of \d+/);
    expect(words.run).toMatch(/ positions\/s/);
  });

  it('counts inputs where a site sees many positions of each', () => {
    const images = reportOf([
      siteOf('0.mlp_post', reluRows(4096, 4, 1)),
      siteOf('1.mlp_post', reluRows(16, 4, 1)),
    ]);
    const words = reportWords({
      ...images,
      data: { ...images.data, name: 'images', variant: null, split: null, positions: 16, seqLen: null },
      runtime: { ...images.runtime, positionsPerSecond: 1.24 },
    });
    expect(words.data).toMatch(/^images · 16 inputs, 4,096 positions at the largest site/);
    expect(words.run).toContain('1.24 inputs/s');
  });
});

describe('names', () => {
  it('leave out what is empty', () => {
    expect(dataName({ name: 'wikitext', variant: '', split: null })).toBe('wikitext');
    expect(dataName({ name: 'wikitext', variant: 'raw', split: 'test' })).toBe('wikitext raw test');
    expect(layerName({ stack: '', layer: 3 })).toBe('3');
    expect(layerName({ stack: 'decoder', layer: 3 })).toBe('decoder.3');
    expect(siteName({ site: 'mlp_post', part: '' })).toBe('mlp_post');
    expect(siteName({ site: 'mlp_post', part: 'expert7' })).toBe('mlp_post.expert7');
    expect(modelOnData(report)).toMatch(/^gpt2 · .*, [\d,]+ positions$/);
    expect(facts('a', false, null, '', 'b')).toBe('a · b');
  });
});

describe('indexList', () => {
  it('lists the first of many', () => {
    expect(indexList([3, 17])).toBe('3 17');
    expect(indexList([1, 2, 3, 4], 2)).toBe('1 2 … and 2 more');
    expect(indexList([1, 2, 3], 2, ', ')).toBe('1, 2, … and 1 more');
  });
});
