import { AssetAuthModule, assetAuthOptionsFromEnv, getAssetAuthOptionsToken } from 'nestjs-asset-auth';
import { said } from '../../../lib/config/plain-object.js';
import { ASSET_AUTH_OPTION_NAMES } from '../../../lib/config/asset-auth.options.js';
import { environmentVariable } from '../../../lib/config/options-from-env.js';
import { configFrom, LEAST, plain } from './options.fixture.js';

/** What a merge of untrusted JSON may leave behind. */
function polluted<T>(pollution: Readonly<Record<string, unknown>>, run: () => T): T {
  const names = Object.keys(pollution);
  for (const name of names) {
    Object.defineProperty(Object.prototype, name, {
      value: pollution[name],
      configurable: true,
      writable: true,
      enumerable: true,
    });
  }
  try {
    return run();
  } finally {
    for (const name of names) Reflect.deleteProperty(Object.prototype, name);
  }
}

const EVIL: Readonly<Record<string, unknown>> = {
  environment: 'production',
  baseUrl: 'https://evil.example',
  tokenPath: '/evil',
  scopes: ['evil:scope'],
  businessId: 'biz_Evil',
  resource: 'https://evil.example/',
  undeclaredScopes: 'allow',
  allowedScopes: ['evil:scope'],
  grantedScopes: 'error',
  tokenTtlSeconds: 1,
  refreshAheadRatio: 0.5,
  tokenTimeoutMs: 1,
  maxTokens: 1,
  maxConcurrentTokenRequests: 1,
  startup: 'required',
  http: { proxy: { host: 'evil.example', port: 1 } },
};

describe('T128 A polluted Object.prototype', () => {
  it.each(ASSET_AUTH_OPTION_NAMES.filter((name) => name in EVIL))('does not decide the option %s', (name) => {
    const clean = configFrom(LEAST);
    const config = polluted({ [name]: EVIL[name] }, () => configFrom({ ...LEAST }));
    expect(plain(config)).toEqual(plain(clean));
    expect({ ...config.http }).toEqual({ ...clean.http });
  });

  it.each(['clientId', 'clientSecret'])('does not stand in for %s, which is missing', (name) => {
    const options = Object.fromEntries(Object.entries(LEAST).filter(([key]) => key !== name));
    expect(() => polluted({ [name]: 'evil' }, () => configFrom(options))).toThrow(name);
  });

  it.each(['timeout', 'maxRedirects', 'proxy', 'httpsAgent', 'adapter', 'socketPath'])(
    'does not decide the axios default %s',
    (name) => {
      const config = polluted({ [name]: 5 }, () => {
        const { http } = configFrom({ ...LEAST, http: { maxBodyLength: 1 } });
        return { ...http, read: http[name as never] };
      });
      const clean = configFrom({ ...LEAST, http: { maxBodyLength: 1 } }).http;
      expect(config).toEqual({ ...clean, read: clean[name as never] });
    },
  );

  it.each(['environment', 'baseUrl', 'clientId', 'tokenTimeoutMs'] as const)(
    'does not stand in for the variable of %s',
    (name) => {
      const variable = environmentVariable(name) ?? '';
      expect(polluted({ [variable]: 'evil' }, () => assetAuthOptionsFromEnv({}))).toEqual({});
      expect(polluted({ [variable]: 'evil' }, () => assetAuthOptionsFromEnv())).not.toHaveProperty(name);
    },
  );

  it('does not name a client, or keep it from being global', () => {
    const register = () => AssetAuthModule.forRoot({ ...LEAST });
    const { exports, global } = polluted({ name: 'evil', isGlobal: false }, register);
    expect(global).toBe(true);
    expect(exports).toEqual(register().exports);
  });

  it('is no source of options', () => {
    const useFactory = () => LEAST;
    const register = () => AssetAuthModule.forRootAsync({ useFactory });
    const evil = { useClass: Date, useExisting: 'evil', inject: ['evil'], imports: ['evil'] };
    const { providers, imports } = polluted(evil, register);
    expect(imports).toEqual(register().imports);
    expect(providers).toContainEqual({
      provide: getAssetAuthOptionsToken(),
      inject: [],
      useFactory: expect.any(Function) as unknown,
    });
    expect(() => polluted({ useFactory }, () => AssetAuthModule.forRootAsync({}))).toThrow(
      'needs useFactory, useClass or useExisting',
    );
  });

  it('leaves what somebody gave: own properties, those of a class, and what a proxy answers', () => {
    class Base {
      readonly #origin = 'https://gateway.example';
      get baseUrl() {
        return this.#origin;
      }
    }
    const sources = [
      { baseUrl: 'https://gateway.example' },
      new (class extends Base {})(),
      Object.create({ baseUrl: 'https://gateway.example' }) as object,
      new Proxy({}, { get: () => 'https://gateway.example', getOwnPropertyDescriptor: () => undefined }),
    ];
    expect(sources.map((source) => said(source as { baseUrl?: unknown }, 'baseUrl'))).toEqual(
      Array(4).fill('https://gateway.example'),
    );
    expect(
      polluted({ baseUrl: 'evil' }, () =>
        sources.slice(0, 3).map((source) => said(source as { baseUrl?: unknown }, 'baseUrl')),
      ),
    ).toEqual(Array(3).fill('https://gateway.example'));
    const nothing: { toString?: unknown } = {};
    expect(said(nothing, 'toString')).toBeUndefined();
  });
});
