import fc from 'fast-check';
import { ASSET_AUTH_OPTION_NAMES } from '../../../lib/config/asset-auth.options.js';
import { configOf, LEAST, plain, problemsOf, SECRET } from './options.fixture.js';

const gives = (option: string, value: unknown): string =>
  problemsOf({ [option]: value })[option] ?? 'no problem';

describe('environment', () => {
  it('decides the origin', () => {
    expect(configOf({ environment: 'sandbox' }).origin).toBe('https://api.sandbox.getasset.com');
    expect(configOf({ environment: 'production' }).origin).toBe('https://api.getasset.com');
  });

  it.each(['Sandbox', 'sandbox ', 'production\r', 'prod', '__proto__', 'toString'])(
    'is never %j',
    (environment) => {
      expect(gives('environment', environment)).toBe("must be exactly 'sandbox' or 'production'");
    },
  );

  it.each([
    ['', 'an empty string'],
    [['sandbox'], 'a list'],
    [0, 'a value of type number'],
  ])('is text, not %p', (environment, kind) => {
    expect(gives('environment', environment)).toBe(`must be exactly 'sandbox' or 'production', not ${kind}`);
  });
});

describe.each(['clientId', 'clientSecret'])('%s', (option) => {
  it('is required, and may not be empty', () => {
    expect(gives(option, undefined)).toBe(
      'is missing. Register an application in the Asset Dashboard to get one',
    );
    expect(gives(option, '')).toMatch(/^is empty\./);
  });

  it.each([`${SECRET}\n`, `${SECRET}\r\n`, ` ${SECRET}`, `${SECRET}\u00a0`, `\ufeff${SECRET}`])(
    'has no white space around it: %j',
    (value) => {
      expect(gives(option, value)).toBe(
        'begins or ends with white space; a line break at the end of a file, perhaps. Trim it',
      );
    },
  );

  it.each([`a\n${SECRET}`, `${SECRET}\0`, `${SECRET}\ud800`, `${SECRET}\u200b`, `a\u001b[31m${SECRET}`])(
    'holds nothing that cannot be seen: %j',
    (value) => {
      expect(gives(option, value)).toBe('holds a control character or an invisible one. Copy it anew');
    },
  );

  it.each([[null], [12345], [['12345']], [{}], [Symbol('12345')], [12345n], [new String('12345')]])(
    'is a string, not %p, which is not repeated',
    (value) => {
      expect(gives(option, value)).toMatch(/^must be a string, not (null|a list|a value of type \w+)$/);
    },
  );

  it.each(['a:b%c d', 'pässwörd', '秘密😀', '$value $target', '__proto__', 'x'.repeat(100_000)])(
    'may be any other text, such as T66 %.20j',
    async (value) => {
      const config = configOf({ [option]: value });
      expect(option === 'clientId' ? config.clientId : await config.readClientSecret()).toBe(value);
    },
  );
});

describe('baseUrl', () => {
  it.each([
    ['https://gateway.example', 'https://gateway.example'],
    ['https://gateway.example/', 'https://gateway.example'],
    ['HTTPS://GateWay.Example:443', 'https://gateway.example'],
    ['https://gateway.example:8443', 'https://gateway.example:8443'],
    ['https://[2001:DB8::1]:8443', 'https://[2001:db8::1]:8443'],
    ['https://gateway.example.', 'https://gateway.example.'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://LOCALHOST', 'http://localhost'],
    ['http://127.0.0.1:3000', 'http://127.0.0.1:3000'],
    ['http://127.8.9.10', 'http://127.8.9.10'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('may be %s', (baseUrl, origin) => {
    expect(configOf({ baseUrl })).toMatchObject({ origin, tokenUrl: `${origin}/v0/auth/token` });
  });

  it.each([
    'http://gateway.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://0.0.0.0',
    'http://localhost.',
    'http://10.0.0.1',
    'http://[::2]',
    'ws://localhost',
    'ftp://gateway.example',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'blob:https://gateway.example',
  ])('T66 is https unless on loopback: %s is refused', (baseUrl) => {
    expect(gives('baseUrl', baseUrl)).toMatch(/^must be https, since the client secret is sent there/);
  });

  it.each([
    'https://api.getasset.com@evil.example',
    'https://user:hunter2@gateway.example',
    'https://user:hunter2@gateway.example:99999',
    'https://@evil.example',
    'https://:@evil.example',
  ])('T66 holds no user name or password, and repeats none: %s', (baseUrl) => {
    expect(gives('baseUrl', baseUrl)).toBe('must not hold a user name or password');
  });

  it.each([
    'https:\\\\evil.example',
    'https:/\\evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:///evil.example',
    'https://gateway.example\\',
    'https://gateway.example//',
    'https://gateway.example/.',
    'https://gateway.example/v0',
    'https://gateway.example?',
    'https://gateway.example?x=1',
    'https://gateway.example#',
    ' https://gateway.example',
    'https://gateway.example\n',
    'https://gate\tway.example',
    'https://gateway.example\0',
    'https://gate\u00adway.example',
    'https://gate%77ay.example',
  ])('is spelt as a bare origin: %j is refused', (baseUrl) => {
    expect(gives('baseUrl', baseUrl)).toMatch(
      /^must be a bare origin such as "https:\/\/api\.getasset\.com", without/,
    );
  });

  it.each([
    '',
    'gateway.example',
    '//gateway.example',
    'https://',
    'https://gateway.example:99999',
    'https://a\0b',
    'https://[::1',
    7,
    [],
    new URL('https://gateway.example'),
  ])('is an address: %p is refused', (baseUrl) => {
    expect(gives('baseUrl', baseUrl)).toMatch(/^must be an origin such as "https:\/\/api\.getasset\.com"/);
  });

  it('becomes the origin that it spells, or is refused', () => {
    const noise = fc.constantFrom(
      '',
      '/',
      '\\',
      '@',
      '?',
      '#',
      ' ',
      '\n',
      '\0',
      ':80',
      'evil.example',
      '%2f',
    );
    const scheme = fc.constantFrom('https://', 'http://', 'https:', 'https:\\\\', '//', '');
    fc.assert(
      fc.property(scheme, noise, fc.domain(), noise, noise, (start, before, host, after, end) => {
        const baseUrl = start + before + host + after + end;
        let origin: string;
        try {
          origin = configOf({ baseUrl }).origin;
        } catch {
          return;
        }
        // An accepted text reads the same to a person, who knows nothing of the URL parser's leniency.
        expect(baseUrl.replace(/\/$/, '').toLowerCase()).toBe(origin);
        expect(origin).toMatch(/^https:/);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('tokenPath', () => {
  it.each(['/', '/oauth/token', '/v0/auth/token;v=1', '/a%20b', '/@evil.example'])(
    'may be %j',
    (tokenPath) => {
      const { tokenUrl } = configOf({ tokenPath });
      expect(tokenUrl).toBe(`https://api.sandbox.getasset.com${tokenPath}`);
      expect(new URL(tokenUrl).origin).toBe('https://api.sandbox.getasset.com');
    },
  );

  it.each([
    '',
    'v0/auth/token',
    '//evil.example/token',
    '/\\evil.example',
    '/token?x=1',
    '/token#x',
    '/to ken',
    '/token\n',
    '/token\0',
    '/\ud800',
    '.evil.example/token',
    '@evil.example/token',
    ':8080/token',
    'https://user:hunter2@evil.example/token',
    7,
    ['/token'],
  ])('is a path on the origin: %j is refused and not repeated', (tokenPath) => {
    const problem = gives('tokenPath', tokenPath);
    expect(problem).toMatch(/^must be a path such as "\/v0\/auth\/token"/);
    expect(problem).not.toMatch(/evil|hunter2/);
  });

  it('never leads away from the origin', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('/', '\\', '@', ':', '?', '#', '.', 'a', '%', '\n', '\t', ' ') }),
        (path) => {
          let tokenUrl: string;
          try {
            ({ tokenUrl } = configOf({ tokenPath: `/${path}` }));
          } catch {
            return;
          }
          expect(new URL(tokenUrl).origin).toBe('https://api.sandbox.getasset.com');
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe.each(['scopes', 'allowedScopes'])('%s', (option) => {
  it('is a scope or several, kept as a set', () => {
    expect(configOf({ [option]: 'ledger:read' })).toMatchObject({ [option]: ['ledger:read'] });
    expect(configOf({ [option]: ['b', 'a', 'b'] })).toMatchObject({ [option]: ['a', 'b'] });
  });

  it('names the scope at fault by its place and does not repeat it', () => {
    expect(gives(option, ['ledger:read', `${SECRET} $value $target`])).toBe(
      "scope 2 holds a space. List several scopes separately: ['ledger:read', 'report:read']",
    );
    expect(gives(option, `"${SECRET}`)).toMatch(/^scope 1 holds a character that no scope may hold/);
  });

  it('is not empty, since that would ask for everything', () => {
    expect(gives(option, [])).toBe(
      'is an empty list, and Asset takes a request without scopes as a request for everything. Name at least one scope or leave the option out',
    );
    expect(gives(option, '')).toMatch(/^an empty string is not a scope/);
  });

  it.each([[7], [{}], [new Set(['a'])], [[undefined]], [new Array<string>(1)], [[['a']]], [() => 'a']])(
    'is made of strings, not %p',
    (scopes) => {
      expect(gives(option, scopes)).toMatch(/^a scope is a string such as "ledger:read", not /);
    },
  );
});

describe('businessId', () => {
  it.each([[SECRET], [''], [7], [['biz_GA6E']], ['biz_']])(
    'is a business id: %p is refused',
    (businessId) => {
      expect(gives('businessId', businessId)).toBe(
        'this is not a business id. One looks like "biz_GA6EG2qFxA97NZHtxeLPUy": "biz_", then letters and digits',
      );
    },
  );
});

describe('resource', () => {
  it('is a URI or several, kept as a sorted set of texts', () => {
    expect(configOf({ resource: 'urn:asset:mcp' }).resource).toEqual(['urn:asset:mcp']);
    expect(
      configOf({ resource: ['https://b.example', 'https://B.example/', 'https://b.example'] }).resource,
    ).toEqual(['https://B.example/', 'https://b.example']);
    expect(configOf({ resource: 'https://api.getasset.com/a@b' }).resource).toEqual([
      'https://api.getasset.com/a@b',
    ]);
  });

  it.each([
    '/mcp',
    'mcp',
    '',
    'https://',
    'https://api.getasset.com/mcp#',
    'https://api.getasset.com/mcp\n',
    'https://api.getasset.com/m cp',
    'https://api.getasset.com/\ud800',
    'https://user:hunter2@api.getasset.com',
    'https://user@api.getasset.com',
    7,
    [undefined],
    new Array<string>(1),
    ['https://api.getasset.com', null],
  ])('is an absolute URI without fragment or user info: %j is refused and not repeated', (resource) => {
    expect(gives('resource', resource)).toBe(
      'must be an absolute URI such as "https://api.getasset.com/mcp" or a list of them, without fragment, user name or password (RFC 8707)',
    );
  });

  it('is not an empty list', () => {
    expect(gives('resource', [])).toBe('is an empty list. Name a resource or leave the option out');
  });
});

describe.each([
  ['tokenTtlSeconds', 'seconds', 315_360_000],
  ['tokenTimeoutMs', 'milliseconds', 2_147_483_647],
  ['maxTokens', 'tokens', 10_000_000],
  ['maxConcurrentTokenRequests', 'requests', 1000],
])('%s', (option, unit, max) => {
  it('is a whole number of at least one, up to its bound', () => {
    expect(configOf({ [option]: 1 })).toMatchObject({ [option]: 1 });
    expect(configOf({ [option]: max })).toMatchObject({ [option]: max });
  });

  it.each([0, -0, -1, 0.5, 1.5, max + 1, 1e308, NaN, Infinity, -Infinity])('is not %p', (value) => {
    expect(gives(option, value)).toBe(
      `must be a whole number of ${unit} from 1 to ${max}, not ${String(value)}`,
    );
  });

  it.each([
    ['3600', 'text'],
    [SECRET, 'text'],
    ['', 'empty text'],
    [true, 'true'],
    [1n, 'a value of type bigint'],
    [[1], 'a list'],
    [new Date(1), 'a value of type object'],
    [new Number(1), 'a value of type object'],
    [{ valueOf: () => 1 }, 'a value of type object'],
  ])('is a number, not %p, which is not repeated', (value, called) => {
    expect(gives(option, value)).toBe(`must be a whole number of ${unit} from 1 to ${max}, not ${called}`);
  });
});

describe('refreshAheadRatio', () => {
  it.each([Number.MIN_VALUE, 0.25, 0.5])('may be %p', (refreshAheadRatio) => {
    expect(configOf({ refreshAheadRatio })).toMatchObject({ refreshAheadRatio });
  });

  it.each<[unknown, string]>([
    ...[0, -0, -0.25, 0.5000001, 1, NaN, Infinity].map((value): [unknown, string] => [value, String(value)]),
    ['0.25', 'text'],
  ])('is above 0 and up to 0.5, not %p', (value, called) => {
    expect(gives('refreshAheadRatio', value)).toBe(`must be a number above 0 and up to 0.5, not ${called}`);
  });
});

describe.each([
  ['undeclaredScopes', ['allow', 'deny']],
  ['grantedScopes', ['warn', 'error']],
  ['startup', ['lazy', 'warm', 'required']],
])('%s', (option, choices) => {
  it(`is one of ${choices.join(', ')}`, () => {
    for (const choice of choices) {
      expect(configOf({ scopes: 'ledger:read', [option]: choice })).toMatchObject({ [option]: choice });
    }
    for (const other of [SECRET, 'ALLOW', '', true, {}]) {
      const problem = gives(option, other);
      expect(problem).toMatch(`must be exactly ${choices.map((choice) => `'${choice}'`).join(' or ')}`);
      expect(problem).not.toContain(SECRET);
    }
  });
});

describe('Any option', () => {
  const optional = ASSET_AUTH_OPTION_NAMES.filter((name) => !name.startsWith('client'));

  it.each(optional)('is not null, which must not lift a limit: %s', (name) => {
    expect(problemsOf({ [name]: null })).toEqual({
      [name]: 'must not be null. Leave the option out instead',
    });
  });

  it('has one message, however many of its checks fail', () => {
    expect(problemsOf({ maxTokens: -0.5, refreshAheadRatio: 'half' })).toEqual({
      maxTokens: 'must be a whole number of tokens from 1 to 10000000, not -0.5',
      refreshAheadRatio: 'must be a number above 0 and up to 0.5, not text',
    });
  });

  it('left undefined is not said', () => {
    const unsaid = Object.fromEntries(ASSET_AUTH_OPTION_NAMES.map((name) => [name, undefined]));
    expect(plain(configOf({ ...unsaid, ...LEAST }))).toEqual(plain(configOf()));
  });
});
