import { ConfigModule, ConfigService } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import { ASSET_AUTH_OPTION_NAMES } from '../../../lib/config/asset-auth.options.js';
import { assetAuthOptionsFromEnv } from '../../../lib/config/options-from-env.js';
import { afterThisTest } from '../../support/cleanup.js';
import { errorOf, SECRET } from './options.fixture.js';

const atFirst = { ...process.env };

const LEAST = { ASSET_ENVIRONMENT: 'sandbox', ASSET_CLIENT_ID: 'platform', ASSET_CLIENT_SECRET: SECRET };

describe('The options in the environment', () => {
  it('are all options but http and store, each in the variable of its name', () => {
    const everyVariable = new Proxy({}, { get: (_, variable) => variable });
    const options = assetAuthOptionsFromEnv(everyVariable);
    expect(Object.keys(options)).toEqual(
      ASSET_AUTH_OPTION_NAMES.filter((option) => option !== 'http' && option !== 'store'),
    );
    expect(options).toMatchObject({
      clientId: 'ASSET_CLIENT_ID',
      scopes: ['ASSET_SCOPES'],
      tokenTimeoutMs: 'ASSET_TOKEN_TIMEOUT_MS',
      maxConcurrentTokenRequests: 'ASSET_MAX_CONCURRENT_TOKEN_REQUESTS',
    });
  });

  it('are read as text, lists and numbers', () => {
    expect(
      assetAuthOptionsFromEnv({
        ...LEAST,
        ASSET_BASE_URL: 'https://gateway.example',
        ASSET_TOKEN_PATH: '/token',
        ASSET_SCOPES: 'ledger:read report:read',
        ASSET_ALLOWED_SCOPES: 'ledger:read  report:read ',
        ASSET_BUSINESS_ID: 'biz_GA6E',
        ASSET_RESOURCE: 'https://api.getasset.com/mcp',
        ASSET_UNDECLARED_SCOPES: 'deny',
        ASSET_GRANTED_SCOPES: 'error',
        ASSET_TOKEN_TTL_SECONDS: '900',
        ASSET_REFRESH_AHEAD_RATIO: '0.5',
        ASSET_TOKEN_TIMEOUT_MS: '2000',
        ASSET_MAX_TOKENS: '10',
        ASSET_MAX_CONCURRENT_TOKEN_REQUESTS: '2',
        ASSET_STORE_KEYS: 'one  two',
        ASSET_STORE_PREFIX: 'p:',
        ASSET_STORE_TIMEOUT_MS: '100',
        ASSET_STARTUP: 'warm',
      }),
    ).toEqual({
      environment: 'sandbox',
      clientId: 'platform',
      clientSecret: SECRET,
      baseUrl: 'https://gateway.example',
      tokenPath: '/token',
      scopes: ['ledger:read', 'report:read'],
      allowedScopes: ['ledger:read', 'report:read'],
      businessId: 'biz_GA6E',
      resource: 'https://api.getasset.com/mcp',
      undeclaredScopes: 'deny',
      grantedScopes: 'error',
      tokenTtlSeconds: 900,
      refreshAheadRatio: 0.5,
      tokenTimeoutMs: 2000,
      maxTokens: 10,
      maxConcurrentTokenRequests: 2,
      storeKeys: ['one', 'two'],
      storePrefix: 'p:',
      storeTimeoutMs: 100,
      startup: 'warm',
    });
  });

  it('are only those that are set, and other variables are none of them', () => {
    expect(assetAuthOptionsFromEnv({ ASSET_CLIENT_ID: undefined, ASSET_HTTP: '{}', HOME: '/' })).toEqual({});
    expect(Object.keys(assetAuthOptionsFromEnv(LEAST))).toEqual(['environment', 'clientId', 'clientSecret']);
  });

  it('make a configuration', () => {
    expect(new AssetAuthConfig(assetAuthOptionsFromEnv(LEAST)).origin).toBe(
      'https://api.sandbox.getasset.com',
    );
  });

  it.each(['', ' ', '   '])(
    'T16 fail closed when ASSET_SCOPES is %j: it must not ask for everything',
    (scopes) => {
      const error = errorOf(
        assetAuthOptionsFromEnv({ ...LEAST, ASSET_SCOPES: scopes, ASSET_ALLOWED_SCOPES: scopes }),
      );
      expect(error.message).toMatch(/- scopes \(ASSET_SCOPES\): is an empty list/);
      expect(error.message).toMatch(/- allowedScopes \(ASSET_ALLOWED_SCOPES\): is an empty list/);
    },
  );

  it('T16 give one set of scopes whatever their order, duplicates and extra spaces', () => {
    const scopesIn = (text: string) =>
      new AssetAuthConfig(assetAuthOptionsFromEnv({ ...LEAST, ASSET_SCOPES: text })).scopes;
    expect(scopesIn('  report:read ledger:read  ledger:read ')).toEqual(scopesIn('ledger:read report:read'));
    expect(scopesIn('Ledger:read')).not.toEqual(scopesIn('ledger:read'));
  });

  it.each(['ledger:read\treport:read', 'ledger:read\n', 'ledger:read,\u00a0report:read'])(
    'split scopes at spaces only, so that %j is refused',
    (scopes) => {
      expect(errorOf(assetAuthOptionsFromEnv({ ...LEAST, ASSET_SCOPES: scopes })).message).toMatch(
        /ASSET_SCOPES/,
      );
    },
  );

  it.each(['a:r,b:r', 'a:r, b:r', 'a:r;b:r', ',', 'a:r,', 'ledger:read report:read,bill:create'])(
    'T108 refuse %j, which would be one scope, with the cure',
    (scopes) => {
      const problem =
        'holds a comma or a semicolon. Separate the scopes by spaces, as in "ledger:read report:read"; a scope that really holds one can be given in code';
      const options = assetAuthOptionsFromEnv({
        ...LEAST,
        ASSET_SCOPES: scopes,
        ASSET_ALLOWED_SCOPES: scopes,
        ASSET_MAX_TOKENS: 'many',
      });
      expect(errorOf(options).problems.slice(0, 2)).toEqual([
        { option: 'scopes', variable: 'ASSET_SCOPES', problem },
        { option: 'allowedScopes', variable: 'ASSET_ALLOWED_SCOPES', problem },
      ]);
      expect(errorOf(options).problems).toHaveLength(3);
      const inCode = { ...assetAuthOptionsFromEnv({ ...LEAST, ASSET_SCOPES: scopes }), scopes: ['a,b'] };
      expect(new AssetAuthConfig(inCode).scopes).toEqual(['a,b']);
    },
  );

  it.each(['', ' ', 'many', '1e999', 'NaN', '0', '-1', '1.5', '3600s', '\u0000'])(
    'refuse %j where a whole number belongs',
    (text) => {
      const error = errorOf(assetAuthOptionsFromEnv({ ...LEAST, ASSET_MAX_TOKENS: text }));
      expect(error.problems).toEqual([
        {
          option: 'maxTokens',
          variable: 'ASSET_MAX_TOKENS',
          problem: expect.stringMatching(/^must be a whole number of tokens from 1/) as string,
        },
      ]);
    },
  );

  it('take an empty variable for text, not for zero', () => {
    const error = errorOf(
      assetAuthOptionsFromEnv({ ...LEAST, ASSET_MAX_TOKENS: '', ASSET_TOKEN_TIMEOUT_MS: ' ' }),
    );
    expect(error.message).toMatch(/ASSET_MAX_TOKENS\): .* not empty text$/m);
    expect(error.message).toMatch(/ASSET_TOKEN_TIMEOUT_MS\): .* not text$/m);
  });

  it('name the variable of each problem, and repeat no value', () => {
    const error = errorOf(
      assetAuthOptionsFromEnv({ ASSET_CLIENT_SECRET: `${SECRET}\n`, ASSET_ENVIRONMENT: SECRET }),
    );
    expect(error.message).toMatch(/- clientId \(ASSET_CLIENT_ID\): is missing/);
    expect(error.message).toMatch(/- clientSecret \(ASSET_CLIENT_SECRET\): begins or ends with white space/);
    expect(error.message).toMatch(
      /- environment \(ASSET_ENVIRONMENT\): must be exactly 'sandbox' or 'production'$/m,
    );
    expect(error.message).not.toContain(SECRET);
  });

  it('are only read: the environment stays as it is', () => {
    const readOnly = new Proxy(LEAST, {
      set: () => false,
      defineProperty: () => false,
      deleteProperty: () => false,
    });
    expect(assetAuthOptionsFromEnv(readOnly)).toMatchObject({ clientId: 'platform' });
    assetAuthOptionsFromEnv();
    expect({ ...process.env }).toEqual(atFirst);
  });

  it('are those of the process if no other environment is named', () => {
    process.env.ASSET_CLIENT_ID = 'from-the-process';
    try {
      expect(assetAuthOptionsFromEnv()).toMatchObject({ clientId: 'from-the-process' });
    } finally {
      delete process.env.ASSET_CLIENT_ID;
    }
  });

  it('are read from a ConfigService too, with what its schema made of them', async () => {
    const variables = { ...LEAST, ASSET_SCOPES: 'ledger:read report:read', ASSET_MAX_TOKENS: 10 };
    const module = await Test.createTestingModule({
      imports: [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => variables] })],
    }).compile();
    expect(assetAuthOptionsFromEnv(module.get(ConfigService))).toEqual({
      environment: 'sandbox',
      clientId: 'platform',
      clientSecret: SECRET,
      scopes: ['ledger:read', 'report:read'],
      maxTokens: 10,
    });
  });
});

describe('ASSET_CLIENT_SECRET_FILE', () => {
  const { ASSET_CLIENT_SECRET, ...account } = LEAST;
  const fileHolding = async (text: string): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'asset-secret-'));
    afterThisTest(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'secret'), text);
    return join(folder, 'secret');
  };
  const problemWith = (variables: Record<string, string>): string =>
    errorOf(assetAuthOptionsFromEnv({ ...account, ...variables })).message;

  it('names the file that the secret is read from, each time anew', async () => {
    const file = await fileHolding(`${SECRET}\n`);
    const config = new AssetAuthConfig(
      assetAuthOptionsFromEnv({ ...account, ASSET_CLIENT_SECRET_FILE: file }),
    );
    expect(config.hasRotatingSecret).toBe(true);
    expect(await config.readClientSecret()).toBe(SECRET);
    await writeFile(file, 'another-secret');
    expect(await config.readClientSecret()).toBe('another-secret');
  });

  it('is refused at boot beside the secret itself, where the file is empty, and where there is none', async () => {
    const empty = await fileHolding('\n');
    expect(problemWith({ ASSET_CLIENT_SECRET, ASSET_CLIENT_SECRET_FILE: empty })).toContain(
      'clientSecret (ASSET_CLIENT_SECRET): is set, and so is ASSET_CLIENT_SECRET_FILE. Unset one of them',
    );
    expect(problemWith({ ASSET_CLIENT_SECRET_FILE: empty })).toContain('which is empty');
    const missing = problemWith({ ASSET_CLIENT_SECRET_FILE: `${empty}-${SECRET}` });
    expect(missing).toContain('cannot be read (ENOENT). Check its path and its permissions');
    expect(missing).not.toContain(SECRET);
    expect(problemWith({ ASSET_CLIENT_SECRET_FILE: '' })).toContain('cannot be read');
  });

  it('are read from the object itself, whatever was put on Object.prototype', async () => {
    const file = await fileHolding(SECRET);
    const root = Object.prototype as { get?: unknown; clientSecret?: unknown };
    Object.assign(root, { get: () => 'polluted', clientSecret: 'polluted' });
    let options: ReturnType<typeof assetAuthOptionsFromEnv>;
    try {
      options = assetAuthOptionsFromEnv({ ...account, ASSET_CLIENT_SECRET_FILE: file });
    } finally {
      delete root.get;
      delete root.clientSecret;
    }
    expect(options).toMatchObject({ clientId: 'platform' });
    expect(typeof options.clientSecret).toBe('function');
  });
});
