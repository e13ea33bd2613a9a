import { Agent } from 'node:https';
import type { AssetAuthConfig } from '../../../lib/config/asset-auth.config.js';
import { resourceSet } from '../../../lib/config/scope-set.js';
import { configOf, everyTextOf, plain, SECRET } from './options.fixture.js';

describe('The configuration', () => {
  it('fills in the defaults', () => {
    expect(plain(configOf())).toEqual({
      environment: 'sandbox',
      origin: 'https://api.sandbox.getasset.com',
      tokenUrl: 'https://api.sandbox.getasset.com/v0/auth/token',
      clientId: 'platform',
      scopes: undefined,
      businessId: undefined,
      resource: undefined,
      undeclaredScopes: 'deny',
      allowedScopes: undefined,
      grantedScopes: 'warn',
      tokenTtlSeconds: 3600,
      refreshAheadRatio: 0.25,
      tokenTimeoutMs: 10_000,
      maxTokens: 10_000,
      maxConcurrentTokenRequests: 8,
      startup: 'lazy',
      storePrefix: 'asset-auth:',
      storeTimeoutMs: 250,
    });
    expect(configOf().http).toEqual({ timeout: 30_000, maxRedirects: 0 });
  });

  it('lays the axios defaults under those that are given: undefined is not given, 0 is', () => {
    expect(configOf({ http: { timeout: 0 } }).http).toEqual({ timeout: 0, maxRedirects: 0 });
    expect(configOf({ http: { timeout: undefined, maxRedirects: 5 } }).http).toEqual({
      timeout: 30_000,
      maxRedirects: 5,
    });
  });

  it('keeps what was said', () => {
    const said = {
      environment: 'production',
      clientId: 'other',
      businessId: 'biz_GA6E',
      undeclaredScopes: 'allow',
      grantedScopes: 'error',
      tokenTtlSeconds: 900,
      refreshAheadRatio: 0.1,
      tokenTimeoutMs: 2000,
      maxTokens: 10,
      maxConcurrentTokenRequests: 2,
      startup: 'required',
    };
    const config = configOf({
      ...said,
      scopes: ['b', 'a'],
      allowedScopes: 'a b'.split(' '),
      resource: 'urn:a',
    });
    expect(config).toMatchObject({
      ...said,
      scopes: ['a', 'b'],
      allowedScopes: ['a', 'b'],
      resource: ['urn:a'],
    });
  });

  it('goes to baseUrl even beside an environment, which it then only names', () => {
    const baseUrl = 'https://gateway.example';
    expect(configOf({ baseUrl })).toMatchObject({ environment: 'sandbox', origin: baseUrl });
    expect(configOf({ environment: undefined, baseUrl })).toMatchObject({
      environment: baseUrl,
      origin: baseUrl,
    });
  });

  it('cannot be changed', () => {
    const http = { timeout: 5000 };
    const config = configOf({ scopes: ['a'], allowedScopes: ['a'], resource: ['urn:a'], http });
    http.timeout = 1;
    expect(config.http).toEqual({ timeout: 5000, maxRedirects: 0 });
    expect(
      [config, config.scopes, config.allowedScopes, config.resource, config.http].every(Object.isFrozen),
    ).toBe(true);
    expect(() => {
      (config as { origin: string }).origin = 'https://evil.example';
    }).toThrow(TypeError);
  });

  it('hands on agents, signals and the like within http as they are', () => {
    const httpsAgent = new Agent();
    const { signal } = new AbortController();
    const transformRequest = [(data: unknown) => data];
    const note = Symbol('note');
    const { http } = configOf({ http: { httpsAgent, signal, transformRequest, [note]: httpsAgent } });
    expect(http.httpsAgent).toBe(httpsAgent);
    expect(http.signal).toBe(signal);
    expect(http.transformRequest).toBe(transformRequest);
    expect(Reflect.get(http, note)).toBe(httpsAgent);
    expect(Object.isFrozen(httpsAgent)).toBe(false);
  });

  it('T68 shows no secret in a dump, a log line or a template', () => {
    const proxy = { host: 'proxy.example', port: 3128, auth: { username: 'user', password: SECRET } };
    const config = configOf({ http: { proxy, headers: { 'X-Api-Key': SECRET } } });
    expect(everyTextOf(config)).not.toContain(SECRET);
    expect(everyTextOf({ nested: [config] })).not.toContain(SECRET);
    expect(JSON.stringify(structuredClone(config))).not.toContain(SECRET);
    expect(everyTextOf(configOf({ clientSecret: () => SECRET }))).not.toContain(SECRET);
  });

  it('prints under its name', () => {
    expect(everyTextOf(configOf())).toMatch(/^AssetAuthConfig \{\n {2}environment: 'sandbox',/);
  });
});

describe('The client secret', () => {
  it('is read as it was given', async () => {
    const config = configOf();
    expect(config.hasRotatingSecret).toBe(false);
    await expect(config.readClientSecret()).resolves.toBe(SECRET);
  });

  it.each([
    ['a function', (secret: string) => secret],
    ['an asynchronous function', (secret: string) => Promise.resolve(secret)],
  ])('T84 is read again each time from %s', async (_kind, answer) => {
    let reads = 0;
    const config = configOf({ clientSecret: () => answer(`secret-${++reads}`) });
    expect([config.hasRotatingSecret, reads]).toEqual([true, 0]);
    await expect(config.readClientSecret()).resolves.toBe('secret-1');
    await expect(config.readClientSecret()).resolves.toBe('secret-2');
  });

  it('that cannot be read rejects and never throws at once', async () => {
    const failure = new Error('The vault is sealed.');
    const config = configOf({
      clientSecret: () => {
        throw failure;
      },
    });
    let read: ReturnType<AssetAuthConfig['readClientSecret']> | undefined;
    expect(() => (read = config.readClientSecret())).not.toThrow();
    await expect(read).rejects.toBe(failure);
  });
});

describe('A set of resources', () => {
  it('is sorted, frozen, without duplicates and compared as text', () => {
    const set = resourceSet(['urn:b', 'urn:a', 'urn:B', 'urn:a']);
    expect(set).toEqual(['urn:B', 'urn:a', 'urn:b']);
    expect(Object.isFrozen(set)).toBe(true);
    expect(resourceSet('urn:a')).toEqual(['urn:a']);
  });
});
