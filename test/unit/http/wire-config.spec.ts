import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { AccessToken } from '../../../lib/token/access-token.js';
import { AccessTokenRequest } from '../../../lib/token/token-request.js';
import { presetBoundary, wireConfig } from '../../../lib/http/wire-config.js';

const parts = {
  token: undefined,
  url: new URL('https://api.getasset.com/v0/x'),
  route: { httpAgent: 'ours', proxy: false as const },
  timeoutMs: undefined,
  beforeRedirect: () => undefined,
};
const configOf = (config: object): InternalAxiosRequestConfig =>
  ({ headers: new AxiosHeaders({ Accept: 'a/b' }), ...config }) as InternalAxiosRequestConfig;

describe('what goes to the wire', () => {
  it('is a copy: the config of the caller stays as it is, headers included', () => {
    const config = configOf({ url: 'x', baseURL: 'https://b', asset: {}, timeout: 9 });
    const before = { ...config, headers: config.headers.toJSON() };
    const wire = wireConfig(config, { ...parts, timeoutMs: 5 });
    wire.headers.set('X-New', '1');
    expect({ ...config, headers: config.headers.toJSON() }).toEqual(before);
    expect(wire).toMatchObject({ url: 'https://api.getasset.com/v0/x', httpAgent: 'ours', proxy: false });
    expect(wire.baseURL).toBeUndefined();
    expect((wire as { asset?: unknown }).asset).toBeUndefined();
    expect(wire.beforeRedirect).toBe(parts.beforeRedirect);
    expect(wire.headers.get('Accept')).toBe('a/b');
  });

  it('goes our way, also where an interceptor took the way out of its config', () => {
    const wire = wireConfig(configOf({ httpAgent: undefined, proxy: undefined }), parts);
    expect(wire).toMatchObject({ httpAgent: 'ours', proxy: false });
  });

  it('has one header Authorization, which is ours, however others spell it', () => {
    const request = new AccessTokenRequest(
      { clientId: 'c', tokenTtlSeconds: 60 },
      { scopes: undefined, businessId: undefined, resource: undefined },
    );
    const life = { sent: { wall: 0, monotonic: 0 }, lifeMs: 1, windowMs: 1 };
    const token = new AccessToken('token-0123456789', request, life);
    const headers = Object.assign(new AxiosHeaders(), {
      Accept: 'a/b',
      authorization: 'theirs',
      ' Authorization ': 'theirs',
      AUTHORIZATION: null,
    });
    const sent = (given: AccessToken | undefined) =>
      wireConfig(configOf({ headers }), { ...parts, token: given }).headers;
    const ours = ['Authorization', 'Bearer token-0123456789'];
    expect(Object.entries(sent(token))).toEqual([['Accept', 'a/b'], ours]);
    expect(Object.entries(sent(undefined))).toEqual([['Accept', 'a/b']]);
  });

  it('inherits from nobody', () => {
    expect(Object.getPrototypeOf(wireConfig(configOf({}), parts))).toBeNull();
  });

  it('has what is left of the timeout, in the words of the whole', () => {
    expect(wireConfig(configOf({ timeout: 900 }), { ...parts, timeoutMs: 12.3 })).toMatchObject({
      timeout: 13,
      timeoutErrorMessage: 'timeout of 900ms exceeded',
    });
    expect(wireConfig(configOf({ timeout: 900 }), { ...parts, timeoutMs: 0.1 }).timeout).toBe(1);
    const own = configOf({ timeout: 900, timeoutErrorMessage: 'slow' });
    expect(wireConfig(own, { ...parts, timeoutMs: 1 }).timeoutErrorMessage).toBe('slow');
    expect(wireConfig(configOf({ timeout: 0 }), parts)).not.toHaveProperty('timeoutErrorMessage');
  });
});

describe('the boundary of a form', () => {
  const contentType = (data: unknown, given?: string): unknown => {
    const config = configOf({ data });
    if (given !== undefined) config.headers.setContentType(given);
    presetBoundary(config);
    return config.headers.getContentType();
  };

  it.each([undefined, 'multipart/form-data', 'multipart/form-data; boundary=short', 'text/plain'])(
    'is settled before the form is sent: %p',
    (given) => {
      expect(contentType(new FormData(), given)).toMatch(/^multipart\/form-data; boundary=[-\w]{10,70}$/);
    },
  );

  it('is another one for each form', () => {
    expect(contentType(new FormData())).not.toBe(contentType(new FormData()));
  });

  it('is that of the caller where axios takes it, and no other body has one', () => {
    const given = 'multipart/form-data; boundary=of-the-caller';
    expect(contentType(new FormData(), given)).toBe(given);
    expect(contentType('text')).toBeUndefined();
    expect(contentType(undefined)).toBeUndefined();
  });
});
