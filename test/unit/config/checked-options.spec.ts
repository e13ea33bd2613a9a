import { inspect } from 'node:util';
import { ASSET_AUTH_OPTION_NAMES } from '../../../lib/config/asset-auth.options.js';
import { configFrom, configOf, errorOf, everyTextOf, LEAST, problemsOf, SECRET } from './options.fixture.js';

describe('The problems of the options', () => {
  it('T82 are all reported at once, each with its option, its reason and its cure', () => {
    const error = errorOf({
      environment: 'staging',
      baseUrl: 'http://gateway.example',
      clientSecret: `${SECRET}\n`,
      clientSecert: SECRET,
      scopes: [],
      tokenTtlSeconds: '3600',
      startup: 'eager',
      http: { baseURL: 'https://evil.example' },
    });
    expect(error.message.split('\n')).toEqual([
      'The options of AssetAuthModule cannot be used:',
      `  - clientSecert: is not an option. The options are ${ASSET_AUTH_OPTION_NAMES.join(', ')}`,
      "  - environment (ASSET_ENVIRONMENT): must be exactly 'sandbox' or 'production'",
      '  - baseUrl (ASSET_BASE_URL): must be https, since the client secret is sent there. Plain http is for loopback addresses only',
      '  - clientId (ASSET_CLIENT_ID): is missing. Register an application in the Asset Dashboard to get one',
      '  - clientSecret (ASSET_CLIENT_SECRET): begins or ends with white space; a line break at the end of a file, perhaps. Trim it',
      '  - scopes (ASSET_SCOPES): is an empty list, and Asset takes a request without scopes as a request for everything. Name at least one scope or leave the option out',
      '  - tokenTtlSeconds (ASSET_TOKEN_TTL_SECONDS): must be a whole number of seconds from 1 to 315360000, not text',
      "  - startup (ASSET_STARTUP): must be exactly 'lazy' or 'warm' or 'required'",
      '  - http: must not set "baseURL": it belongs to this library or to the single request',
    ]);
  });

  it.each(
    [...ASSET_AUTH_OPTION_NAMES, 'clientSecert', 'client_secret', '__proto__'].filter(
      (name) => name !== 'clientId',
    ),
  )('T68 T82 never show a secret, not even one that was given for %s', (name) => {
    const options = JSON.parse(JSON.stringify({ ...LEAST, clientId: '' })) as object;
    Object.defineProperty(options, name, { value: `"${SECRET} $value\n`, enumerable: true });
    expect(everyTextOf(errorOf(options))).not.toContain(SECRET);
  });

  it('T68 never show a password of the proxy', () => {
    const proxy = { host: 'proxy.example', port: 3128, auth: { username: 'user', password: SECRET } };
    expect(
      everyTextOf(errorOf({ ...LEAST, http: { proxy, data: SECRET, headers: { Authorization: SECRET } } })),
    ).not.toContain(SECRET);
  });
});

describe('An option that does not exist', () => {
  it.each([
    'clientSecert',
    'client_id',
    'grantType',
    '__proto__',
    'constructor',
    'toString',
    'ClientId',
    'clientId ',
  ])('T21 is a mistake to point at: %j', (name) => {
    const options = { ...LEAST };
    Object.defineProperty(options, name, { value: SECRET, enumerable: true });
    expect(errorOf(options).problems).toEqual([
      { option: name, problem: `is not an option. The options are ${ASSET_AUTH_OPTION_NAMES.join(', ')}` },
    ]);
  });

  it('T21 cannot override what the token request says', () => {
    expect(
      Object.keys(problemsOf({ grant_type: 'password', client_id: 'other', params: {}, extra: {} })),
    ).toEqual(['grant_type', 'client_id', 'params', 'extra']);
  });

  it('is a mistake also when nothing is said for it, unlike a symbol or what is not enumerable', () => {
    expect(problemsOf({ clientSecert: undefined })).toHaveProperty('clientSecert');
    const hidden = Object.defineProperty({ [Symbol('note')]: 1 }, 'note', { value: 1 });
    expect(() => configOf(hidden)).not.toThrow();
  });

  it('cannot forge a line of the log', () => {
    const { message } = errorOf({
      ...LEAST,
      ['\n  - clientId: \u001b[31mfine']: 1,
      ['x'.repeat(1_000_000)]: 1,
    });
    expect(message).toContain('  - \ufffd  - clientId: \ufffd[31mfine: is not an option');
    expect(message.length).toBeLessThan(2000);
  });
});

describe('The options', () => {
  it.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [SECRET, 'a string'],
    [7, 'a value of type number'],
    [[LEAST], 'a list'],
    [() => LEAST, 'a value of type function'],
  ])('are an object, not %p', (options, kind) => {
    const error = errorOf(options);
    expect(error.problems).toEqual([
      { option: 'options', problem: `must be an object, not ${kind}. Did a factory forget to return?` },
    ]);
    expect(everyTextOf(error)).not.toContain(SECRET);
  });

  it.each([[{}], [[]], [{ ...LEAST, clientId: undefined }]])('are required: %p is not enough', (options) => {
    expect(errorOf(options).code).toBe('ASSET_CONFIG_INVALID');
  });

  it('may be an instance of a class, with accessors and inherited values', () => {
    class Inherited {
      readonly environment = 'production';
    }
    class Options extends Inherited {
      get clientId() {
        return this.environment + '-platform';
      }
      get clientSecret() {
        return this.clientId + SECRET;
      }
    }
    expect(errorOf(new Inherited()).problems.map(({ option }) => option)).toEqual([
      'clientId',
      'clientSecret',
    ]);
    const options = Object.assign(Object.create(new Options()) as Options, { startup: 'lazy' as const });
    expect(configFrom(options)).toMatchObject({ clientId: 'production-platform', environment: 'production' });
  });

  it('are read once: what was checked is what is used', () => {
    const reads = { baseUrl: 0, headers: 0, scope: 0 };
    const shifty = {
      clientId: 'platform',
      clientSecret: SECRET,
      get baseUrl() {
        return reads.baseUrl++ === 0 ? 'https://gateway.example' : 'http://user@evil.example';
      },
      http: {
        get headers() {
          return reads.headers++ === 0 ? { 'X-Trace': '1' } : { Authorization: SECRET };
        },
      },
      scopes: new Proxy(['ledger:read'], {
        get: (target, key) =>
          key === '0' && reads.scope++ > 0 ? 'a b' : (Reflect.get(target, key) as unknown),
      }),
    };
    expect(configFrom(shifty)).toMatchObject({ origin: 'https://gateway.example', scopes: ['ledger:read'] });
    expect(reads).toEqual({ baseUrl: 1, headers: 1, scope: 1 });
  });

  it('are left as they were', () => {
    const options = {
      ...LEAST,
      scopes: ['b', 'a'],
      resource: ['urn:b', 'urn:a'],
      http: { headers: { 'X-Trace': '1' } },
    };
    const before = structuredClone(options);
    configFrom(options);
    expect(options).toEqual(before);
    expect([options, options.scopes, options.resource, options.http].some(Object.isFrozen)).toBe(false);
  });
});

describe('Options that contradict each other', () => {
  it('neither environment nor baseUrl: the credentials of the two environments are separate', () => {
    expect(problemsOf({ environment: undefined })).toEqual({
      environment:
        "is missing. Say 'sandbox' or 'production' (their credentials are separate), or give a baseUrl",
    });
    expect(configOf({ environment: undefined, baseUrl: 'https://gateway.example' }).origin).toBe(
      'https://gateway.example',
    );
  });

  it('nothing at all: a file .env that nobody has read yet, perhaps', () => {
    const nothing = { environment: undefined, clientId: undefined, clientSecret: undefined };
    expect(problemsOf({ ...nothing, clientSecret: 'secret' }).environment).not.toMatch(/\.env/);
    expect(problemsOf(nothing).environment).toMatch(/ConfigModule\.forRoot\(\) reads that file/);
  });

  it.each([
    ['production', 'https://api.sandbox.getasset.com', 'sandbox'],
    ['production', 'https://API.Sandbox.GetAsset.com/', 'sandbox'],
    ['production', 'https://api.sandbox.getasset.com:443', 'sandbox'],
    ['production', 'https://api.sandbox.getasset.com.', 'sandbox'],
    ['sandbox', 'https://api.getasset.com', 'production'],
    ['sandbox', 'https://api.getasset.com.:443/', 'production'],
  ])('T108 environment %s with the origin of the other: %s', (environment, baseUrl, other) => {
    expect(problemsOf({ environment, baseUrl })).toEqual({
      baseUrl: `is the origin of the ${other} environment, and environment says '${environment}'; their credentials are separate. Leave baseUrl out, or say environment: '${other}'`,
    });
    expect(configOf({ environment: other, baseUrl }).environment).toBe(other);
    expect(configOf({ environment: undefined, baseUrl }).origin).toBe(new URL(baseUrl).origin);
    expect(configOf({ environment, baseUrl: 'https://gateway.example' }).environment).toBe(environment);
  });

  it('default scopes beyond the allowed ones', () => {
    expect(
      problemsOf({
        scopes: ['ledger:read', 'bill:create', 'Ledger:update'],
        allowedScopes: ['ledger:read', 'ledger:update'],
      }),
    ).toEqual({
      scopes: 'allowedScopes lacks "Ledger:update", "bill:create". Add it there or leave it out here',
    });
    expect(configOf({ scopes: 'a', allowedScopes: ['b', 'a'] }).scopes).toEqual(['a']);
  });

  it('a default token at boot that nobody may ask for', () => {
    expect(problemsOf({ startup: 'warm' })).toEqual({
      startup:
        "'warm' asks for the default token, which undeclaredScopes: 'deny', the default, forbids without default scopes. Name some in the option scopes, or say undeclaredScopes: 'allow'",
    });
    expect(problemsOf({ undeclaredScopes: 'deny', startup: 'required' }).startup).toMatch(/^'required' asks/);
    expect(() => configOf({ startup: 'lazy' })).not.toThrow();
    expect(() => configOf({ startup: 'warm', scopes: 'ledger:read' })).not.toThrow();
    expect(() => configOf({ startup: 'required', undeclaredScopes: 'allow' })).not.toThrow();
  });

  it('are not looked for in what is malformed by itself', () => {
    expect(problemsOf({ scopes: ['a b'], allowedScopes: ['a'] })).toEqual({
      scopes: expect.stringMatching(/^scope 1 holds a space/) as string,
    });
    expect(problemsOf({ scopes: ['a'], allowedScopes: [] })).toEqual({
      allowedScopes: expect.stringMatching(/^is an empty list/) as string,
    });
    expect(Object.keys(problemsOf({ environment: null }))).toEqual(['environment']);
    expect(Object.keys(problemsOf({ undeclaredScopes: null, startup: 'warm' }))).toEqual([
      'undeclaredScopes',
    ]);
  });
});

describe('What belongs to the registration', () => {
  it.each(['name', 'isGlobal', 'inject', 'imports'])('is sent there, if a factory returns it: %s', (name) => {
    expect(problemsOf({ [name]: 'eu' })[name]).toBe(
      'belongs to the registration, forRootAsync({ … }), and not to the options that the factory returns. Move it there, beside useFactory',
    );
  });
});

describe('The error of a boot that fails', () => {
  it('prints each problem once', () => {
    const printed = inspect(errorOf({ environment: 'sandbox', clientSecret: SECRET }));
    expect(printed.match(/is missing/g)).toHaveLength(1);
  });
});
