import { randomBytes } from 'node:crypto';
import { tokenOf } from '../../../lib/store/token-record.js';
import { TokenSeal } from '../../../lib/store/token-seal.js';

const keyed = (...keys: readonly Buffer[]): TokenSeal => new TokenSeal(keys, 'asset-auth:');
const OLD = randomBytes(32);
const NEW = randomBytes(32);
const TEXT = JSON.stringify({ t: 'secret-token', g: 'generation', l: 3_600_000, r: 5 });

describe('T74 what was not sealed under this name does not open', () => {
  const seal = keyed(OLD);
  const name = seal.nameOf('key');
  const sealed = seal.seal(name, TEXT);
  const [id, body] = sealed.split('.') as [string, string];
  const bytes = Buffer.from(body, 'base64url');
  const random = (below: number): number => Math.floor(Math.random() * below);

  /** 20,000 values that somebody else may have put there. */
  function* forgeries(): Generator<[string, string]> {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      yield [name, `${id}.${flipped.toString('base64url')}`];
    }
    for (let length = 0; length < sealed.length; length += 1) yield [name, sealed.slice(0, length)];
    for (let at = 0; at <= sealed.length; at += 1)
      for (const extra of ['A', '.', ' ', '=', '\n', '\0'])
        yield [name, sealed.slice(0, at) + extra + sealed.slice(at)];
    for (let at = 0; at < sealed.length - 1; at += 1)
      if (sealed[at] !== sealed[at + 1])
        yield [name, sealed.slice(0, at) + sealed[at + 1]! + sealed[at]! + sealed.slice(at + 2)];
    for (const text of [TEXT, 'secret-token', '', '.', `${id}.`, `.${body}`, body, `x.${body}`, 'null', '{}'])
      yield [name, text];
    for (let other = 0; other < 1000; other += 1) yield [seal.nameOf(`key ${other}`), sealed];
    yield [name.toUpperCase(), sealed];
    yield [name, keyed(NEW).seal(name, TEXT)];
    const foreign = keyed(NEW).seal(name, TEXT).split('.')[1]!;
    yield [name, `${id}.${foreign}`];
    for (let left = 0; left < 17_500; left += 1)
      yield [name, `${id}.${randomBytes(random(200)).toString('base64url')}`];
  }

  it('of twenty thousand forgeries', () => {
    let tried = 0;
    for (const [under, value] of forgeries()) {
      tried += 1;
      const opened = seal.open(under, value);
      if (opened !== undefined) throw new Error(`It opened: ${JSON.stringify(value)}`);
    }
    expect(tried).toBeGreaterThan(20_000);
    expect(seal.open(name, sealed)).toBe(TEXT);
  });
});

describe('T75 nothing can be read of what is stored', () => {
  it('and the same text never gives the same value', () => {
    const seal = keyed(OLD);
    const name = seal.nameOf('https://asset.example client_id=platform business_id=biz_1');
    const values = new Set(Array.from({ length: 100 }, () => seal.seal(name, TEXT)));
    expect(values.size).toBe(100);
    for (const value of values) expect(value).toMatch(/^[\w-]{8}\.[\w-]+$/);
    expect(name).toMatch(/^asset-auth:v1:[\w-]{32}$/);
  });

  it('names and key ids of different keys have nothing in common', () => {
    expect(keyed(OLD).nameOf('key')).not.toBe(keyed(NEW).nameOf('key'));
    const ids = [OLD, NEW].map((key) => keyed(key).seal('name', TEXT).split('.')[0]!);
    expect(ids[0]).not.toBe(ids[1]);
    expect(OLD.toString('base64url')).not.toContain(ids[0]);
  });
});

describe('a new key in front', () => {
  it('renames nothing, seals from now on, and all open', () => {
    const old = keyed(OLD);
    const both = keyed(NEW, OLD);
    const name = both.nameOf('key');
    expect(name).toBe(old.nameOf('key'));
    expect(both.open(name, old.seal(name, TEXT))).toBe(TEXT);
    expect(old.open(name, both.seal(name, TEXT))).toBeUndefined();
    expect(both.digest('x')).toBe(old.digest('x'));
  });
});

describe('a record that opens', () => {
  const record = { t: 'token', g: 'generation', l: 3_600_000, r: 5 };
  const read = (changes: object, remainingMs = 1000) =>
    tokenOf(JSON.stringify({ ...record, ...changes }), remainingMs);

  it('is a token, also with members that are not known', () => {
    expect(read({ later: { version: 2 } })).toEqual({
      value: 'token',
      generation: 'generation',
      lifeMs: 3_599_000,
      requestMs: 5,
      difference: undefined,
      remainingMs: 1000,
    });
  });

  it.each([
    [{ t: undefined }],
    [{ t: '' }],
    [{ t: 5 }],
    [{ t: 'a b' }],
    [{ t: 'a\r\nx: y' }],
    [{ t: 'x'.repeat(16_385) }],
    [{ g: undefined }],
    [{ g: 'a:b' }],
    [{ g: '' }],
    [{ l: '3600000' }],
    [{ l: -1 }],
    [{ l: 1e15 }],
    [{ l: null }],
    [{ r: -1 }],
    [{ r: null }],
    [{ d: 5 }],
  ])('is none with %j', (changes) => {
    expect(read(changes)).toBeUndefined();
  });

  it.each([0, -1, -2, Number.NaN, Number.POSITIVE_INFINITY, 3_599_001, 3_600_000])(
    'is none with %d ms left of an hour',
    (remainingMs) => {
      expect(read({}, remainingMs)).toBeUndefined();
    },
  );

  it.each(['', 'null', '5', '"text"', '[]', '{', '{"__proto__":{"t":"token","g":"g","l":1000,"r":1}}'])(
    'is none as %s',
    (text) => {
      expect(tokenOf(text, 10)).toBeUndefined();
    },
  );
});
