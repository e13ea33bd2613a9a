import { parsedUrl } from '../../../lib/config/text.js';

describe('parsing a URL', () => {
  it('parses a URL, and answers undefined for other text', () => {
    expect(parsedUrl('https://api.getasset.com/v0')?.host).toBe('api.getasset.com');
    expect(parsedUrl('api.getasset.com')).toBeUndefined();
    expect(parsedUrl('')).toBeUndefined();
  });

  it('takes a host with umlauts however often it is asked (URL.canParse of Node 20 stops after some thousand times)', () => {
    let refused = 0;
    for (let i = 0; i < 20_000; i += 1)
      if (parsedUrl('https://b\u00fccher.example') === undefined) refused += 1;
    expect(refused).toBe(0);
  });
});
