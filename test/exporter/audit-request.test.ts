import { describe, expect, it } from 'vitest';
import { parseAuditRequest } from '../../src/exporter/audit-request.js';

describe('the body of a request', () => {
  it('gives the model and the settings that differ from the server’s', () => {
    const body = { model: 'm', data: 'wikitext', options: { split: 'valid', tokens: 100 } };
    expect(parseAuditRequest(body)).toEqual({
      model: 'm',
      settings: { data: 'wikitext', split: 'valid', tokens: 100 },
    });
    expect(parseAuditRequest({ model: 'm' })).toEqual({ model: 'm', settings: {} });
  });

  it.each([
    [{ model: 'm', options: { split: '../../etc/passwd' } }, /options\.split/],
    [{ model: 'm', options: { split: '__proto__' } }, /options\.split/],
    [JSON.parse('{"model":"m","__proto__":{"data":"x"}}'), /the body/],
    [JSON.parse('{"model":"m","options":{"__proto__":{"tokens":1}}}'), /options/],
    [{ model: 'm', data: '__proto__' }, /data/],
    [{ model: 'm', data: 'toString' }, /data/],
    [{ model: 'm', options: { tokenizer: '/etc' } }, /options/],
    [null, /model/],
    [[], /the body/],
  ])('%j is refused, and the sentence names the place', (body, place) => {
    expect(() => parseAuditRequest(body)).toThrow(
      expect.objectContaining({ code: 'bad-request', message: expect.stringMatching(place) }),
    );
  });

  it('with a rule that cannot be read is refused', () => {
    expect(() => parseAuditRequest({ model: 'm', options: { failOn: ['nonsense'] } })).toThrow(/nonsense/);
  });
});
