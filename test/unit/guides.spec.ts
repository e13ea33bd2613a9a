import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { brokenLinks, guide, GUIDES } from '../support/guides.js';

describe('The README and the guides', () => {
  it.each(GUIDES)('%s links to nothing that is not there', (path) => {
    expect(brokenLinks(path)).toEqual([]);
  });

  it('would be found out if a file or a heading were missing', () => {
    const text = '# Here\n[a](../no.md) [b](#no) [c](../README.md#no) [d](#here) [e](../README.md#install)\n';
    expect(brokenLinks('lib/README.md', text)).toEqual(['../no.md', '#no', '../README.md#no']);
  });

  it.each(GUIDES)('%s is short', (path) => {
    expect(guide(path).split('\n').length - 1).toBeLessThanOrEqual(path === 'README.md' ? 250 : 200);
  });

  it('README leads to each guide for users', () => {
    const others = ['README.md', 'lib/README.md'];
    const guides = GUIDES.filter((path) => !others.includes(path));
    expect(guides.filter((path) => !guide('README.md').includes(`](${path}`))).toEqual([]);
  });

  it('the guides explain messages that the library has', () => {
    const library = readdirSync('lib', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => guide(join('lib', name)))
      .join('\n');
    const [text = ''] = guide('lib/TROUBLESHOOTING.md').split('## Without a message', 1);
    const messages = [...text.matchAll(/^\| `(.*?)` +\|/gm)].map(([, message]) => message!);
    expect(messages.length).toBeGreaterThan(40);
    const isThere = (message: string): boolean =>
      message.split('…').every((part) => library.includes(part.trim()));
    expect(messages.filter((message) => !isThere(message))).toEqual([]);
  });
});
