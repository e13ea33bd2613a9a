import {
  AssetAuthConfig,
  AssetAuthModule,
  AssetScopeContext,
  type AssetTokenRequest,
} from 'nestjs-asset-auth';
import { Test } from '@nestjs/testing';
import { runInNewContext } from 'node:vm';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { failureOf } from '../../support/failure-of.js';

/** What says something in a way in which it would not be heard. */
class Getters {
  get scopes(): string[] {
    return ['ledger:read'];
  }
}

class Fields {
  scopes = ['ledger:read'];
}

class LazyQuery {
  then(resolve: (value: unknown) => void): void {
    resolve({ scopes: ['ledger:read'] });
  }
}

const MISUNDERSTOOD: [string, () => unknown][] = [
  ['a promise', () => Promise.resolve({ scopes: ['ledger:read'] })],
  ['a lazy thenable', () => new LazyQuery()],
  ['a plain thenable', () => ({ then: () => undefined })],
  ['an instance with getters on its class', () => new Getters()],
  ['an instance with fields', () => new Fields()],
  ['a map', () => new Map([['scopes', ['ledger:read']]])],
  ['a list', () => [{ scopes: ['ledger:read'] }]],
  ['an iterator', () => [['scopes', 'ledger:read']].values()],
  ['an error', () => Object.assign(new Error('x'), { scopes: ['ledger:read'] })],
  ['a function', () => Object.assign(() => undefined, { scopes: ['ledger:read'] })],
  ['text', () => 'ledger:read'],
  ['a misspelled name', () => ({ scope: 'ledger:read' })],
];

describe('T127 what is not understood is refused, and asks for nothing', () => {
  it.each(MISUNDERSTOOD)('%s', async (_what, make) => {
    const { asset, tokens, sandbox } = await startApplication();
    const refused = { code: 'ASSET_SCOPE_INVALID' };
    const given = make() as AssetTokenRequest;
    expect(await failureOf(asset.get('/v0/business', { asset: given as never }))).toMatchObject(refused);
    expect(await failureOf(asset.axiosRef.get('/v0/business', { asset: given as never }))).toMatchObject(
      refused,
    );
    expect(await failureOf(tokens.getAccessToken(given))).toMatchObject(refused);
    expect(() => tokens.peekAccessToken(given)).toThrow(expect.objectContaining(refused) as Error);
    let hasRun = false;
    expect(() => {
      AssetScopeContext.run(given, () => (hasRun = true));
    }).toThrow(expect.objectContaining(refused) as Error);
    expect(hasRun).toBe(false);
    expect(sandbox.requests).toHaveLength(0);
  });

  it.each<[string, () => object]>([
    ['without a prototype', () => Object.assign(Object.create(null) as object, { scopes: ['ledger:read'] })],
    ['from a template', () => Object.create({ scopes: ['ledger:read'] }) as object],
    [
      'from a template without a prototype',
      () =>
        Object.create(Object.assign(Object.create(null) as object, { scopes: ['ledger:read'] })) as object,
    ],
    [
      'with a getter',
      () => ({
        get scopes() {
          return ['ledger:read'];
        },
      }),
    ],
    ['frozen', () => Object.freeze({ scopes: ['ledger:read'] })],
  ])('but a plain object is read: %s', async (_what, make) => {
    const { asset, tokens, sandbox } = await startApplication();
    await firstValueFrom(asset.get('/v0/business', { asset: make() }));
    await tokens.getAccessToken(make());
    await AssetScopeContext.run(make(), () => firstValueFrom(asset.get('/v0/business')));
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual([
      ['ledger:read'],
      ['ledger:read'],
    ]);
    expect(sandbox.tokenRequests).toHaveLength(1);
  });
});

/** Runs while everything inherits a property. */
async function polluted<T>(name: string, value: unknown, fn: () => Promise<T>): Promise<T> {
  const everything = Object.prototype as Record<string, unknown>;
  everything[name] = value;
  try {
    return await fn();
  } finally {
    Reflect.deleteProperty(everything, name);
  }
}

describe('T128 a polluted prototype decides nothing', () => {
  it.each<[string, unknown]>([
    ['scopes', ['ledger:create']],
    ['scopes', null],
    ['businessId', 'biz_Evil'],
    ['businessId', null],
    ['resource', 'urn:evil'],
    ['forceRefresh', true],
    ['asset', false],
    ['anonymous', true],
  ])('of a token: %s, %j', async (name, value) => {
    const { asset, tokens, sandbox } = await startApplication({ options: { scopes: ['ledger:read'] } });
    const { id } = sandbox.businesses[0]!;
    const context = AssetScopeContext.run({ businessId: id }, () => AssetScopeContext.current());
    const usual = await tokens.getAccessToken();
    await tokens.getAccessToken({ businessId: id });
    const sent = sandbox.tokenRequests.length;
    await polluted(name, value, async () => {
      for (const token of [
        await tokens.getAccessToken(),
        await tokens.getAccessToken({}),
        await tokens.getAccessToken({ scopes: ['ledger:read'] }, {}),
        tokens.peekAccessToken({}),
      ]) {
        expect(token).toBe(usual);
      }
      await firstValueFrom(asset.get('/v0/business'));
      await firstValueFrom(asset.forBusiness(id).get('/v0/business'));
      await AssetScopeContext.run({}, () => firstValueFrom(asset.get('/v0/business')));
      const inside = AssetScopeContext.run({ businessId: id }, () => AssetScopeContext.current());
      expect(Object.entries(inside!)).toEqual(Object.entries(context!));
    });
    expect(sandbox.tokenRequests).toHaveLength(sent);
    expect(sandbox.apiRequests.map(({ claims }) => claims?.scopes)).toEqual(Array(3).fill(['ledger:read']));
    expect(sandbox.apiRequests.map(({ claims }) => claims?.businessId)).toEqual([undefined, id, undefined]);
  });

  it.each<[string, unknown]>([
    ['signal', AbortSignal.abort(new Error('evil'))],
    ['withinMs', -1],
  ])('of the wait for a token: %s', async (name, value) => {
    const { tokens } = await startApplication();
    // Cold, and with options of which this is none.
    await polluted(name, value, async () => {
      await expect(tokens.getAccessToken({ scopes: 'ledger:read' }, {})).resolves.toBeDefined();
      await expect(tokens.getAccessToken({ scopes: 'report:read' })).resolves.toBeDefined();
    });
  });

  it('of the life that a token should last', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    const token = await tokens.getAccessToken();
    // The last seconds, and an endpoint that hangs.
    await clock.advance(3_590_000);
    sandbox.fail('token', { hang: true });
    await polluted('minimumLifeMs', 60_000, async () => {
      expect(tokens.peekAccessToken({}, {})).toBe(token);
      expect(await tokens.getAccessToken({}, {})).toBe(token);
    });
  });

  it('of what an object of another realm asks for', async () => {
    const { tokens, sandbox } = await startApplication({ options: { scopes: ['ledger:read'] } });
    const asked = runInNewContext("Object.prototype.scopes = ['ledger:create']; ({})") as AssetTokenRequest;
    await tokens.getAccessToken(asked);
    expect(sandbox.tokenRequests.map(({ form }) => form.scope)).toEqual(['ledger:read']);
  });

  it.each<[string, unknown]>([
    ['baseUrl', 'https://evil.example'],
    ['tokenPath', '/evil'],
    ['scopes', ['ledger:create']],
    ['undeclaredScopes', 'allow'],
    ['http', { proxy: { host: 'evil.example' } }],
  ])('of the options: %s', async (name, value) => {
    const booted = polluted(name, value, async () => {
      const imports = [AssetAuthModule.forRoot({ environment: 'sandbox', clientId: 'c', clientSecret: 's' })];
      const module = await Test.createTestingModule({ imports }).compile();
      return module.get(AssetAuthConfig);
    });
    // The validator that reads the options may itself stumble over such a prototype. Then nothing starts.
    const config = await booted.catch((error: unknown) => error);
    if (config instanceof AssetAuthConfig) {
      expect(config).toMatchObject({
        tokenUrl: 'https://api.sandbox.getasset.com/v0/auth/token',
        scopes: undefined,
        undeclaredScopes: 'deny',
      });
      expect(config.http.proxy).toBeUndefined();
    } else {
      expect(config).toBeInstanceOf(TypeError);
    }
  });
});
