import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { ManualClock } from 'nestjs-asset-auth/testing';
import { AssetRequest, NOT_NARROWED } from '../../../lib/http/asset-request.js';
import { EventPublisher } from '../../../lib/events/event-publisher.js';
import { Deadline } from '../../../lib/http/deadline.js';
import {
  presetBoundary,
  assertHost,
  assertSendable,
  type Exchange,
  forForeignAdapter,
  wireConfig,
} from '../../../lib/http/wire-config.js';
import { AccessToken } from '../../../lib/token/access-token.js';
import { ROUTE_OPTIONS } from '../../../lib/token/endpoint/connections.js';
import { requestFor } from '../token/endpoint/token-endpoint.fixture.js';

const URL_SENT = new URL('https://api.getasset.com/v0/x');
const ROUTE = { httpAgent: 'ours', proxy: false as const };
const beforeRedirect = (): void => {};

const configOf = (config: object): InternalAxiosRequestConfig =>
  ({ headers: new AxiosHeaders({ Accept: 'a/b' }), ...config }) as InternalAxiosRequestConfig;

/** One call on its way, with this config. */
function exchangeOf(config: InternalAxiosRequestConfig): Exchange {
  const request = AssetRequest.of(undefined, NOT_NARROWED, undefined);
  return {
    config,
    request,
    url: URL_SENT,
    deadline: new Deadline(config, request, new ManualClock()),
    events: new EventPublisher({ name: undefined, origin: 'https://api.getasset.com' }),
    send: () => Promise.reject(new Error('Nothing is sent here.')),
    isForeign: false,
    route: ROUTE,
    isLimited: false,
  };
}

const wireOf = (config: InternalAxiosRequestConfig, token?: AccessToken): InternalAxiosRequestConfig =>
  wireConfig(exchangeOf(config), token, beforeRedirect);

const tokenOf = (value: string): AccessToken =>
  new AccessToken(value, requestFor(), {
    issuedAt: { wall: 0, monotonic: 0 },
    lifeMs: 1,
    windowMs: 1,
  });

describe('what goes to the wire', () => {
  it('is a copy: the config of the caller stays as it is, headers included', () => {
    const config = configOf({ url: 'x', baseURL: 'https://b', asset: {}, timeout: 9 });
    const before = { ...config, headers: config.headers.toJSON() };
    const wire = wireOf(config);
    wire.headers.set('X-New', '1');
    expect({ ...config, headers: config.headers.toJSON() }).toEqual(before);
    expect(wire).toMatchObject({ url: 'https://api.getasset.com/v0/x', httpAgent: 'ours', proxy: false });
    expect(wire.baseURL).toBeUndefined();
    expect((wire as { asset?: unknown }).asset).toBeUndefined();
    expect(wire.beforeRedirect).toBe(beforeRedirect);
    expect(wire.headers.get('Accept')).toBe('a/b');
  });

  it('takes our route, also where an interceptor took the route out of its config', () => {
    const wire = wireOf(configOf({ httpAgent: undefined, proxy: undefined }));
    expect(wire).toMatchObject({ httpAgent: 'ours', proxy: false });
  });

  it('has one header Authorization, which is ours, however others are spelled', () => {
    const token = tokenOf('token-0123456789');
    const headers = Object.assign(new AxiosHeaders(), {
      Accept: 'a/b',
      authorization: 'theirs',
      ' Authorization ': 'theirs',
      AUTHORIZATION: null,
    });
    const sent = (given: AccessToken | undefined) => wireOf(configOf({ headers }), given).headers;
    const ours = ['Authorization', 'Bearer token-0123456789'];
    expect(Object.entries(sent(token))).toEqual([['Accept', 'a/b'], ours]);
    expect(Object.entries(sent(undefined))).toEqual([['Accept', 'a/b']]);
  });

  it('has no prototype, so that a polluted one decides nothing', () => {
    expect(Object.getPrototypeOf(wireOf(configOf({})))).toBeNull();
  });

  it('follows no redirect, unless the config says how many', () => {
    const unguarded = wireConfig(exchangeOf(configOf({ maxRedirects: Number.NaN })), undefined, undefined);
    expect(unguarded.maxRedirects).toBe(0);
    expect(wireOf(configOf({ maxRedirects: 3 })).maxRedirects).toBe(3);
  });

  it('leaves the time to the deadline of the whole call', () => {
    const exchange = exchangeOf(configOf({ timeout: 900 }));
    const wire = wireConfig(exchange, undefined, undefined);
    expect(wire.timeout).toBe(0);
    expect(wire.signal).toBe(exchange.deadline);
  });
});

describe('what goes to an adapter of the application', () => {
  it('has the address as it was written, and what is left of the time', () => {
    const exchange = exchangeOf(configOf({ url: '/v0/x', baseURL: 'https://b', timeout: 900 }));
    const wire = wireConfig(exchange, tokenOf('token-0123456789'), undefined);
    const copy = exchange.request.handOut({ token: undefined, origin: URL_SENT.origin });
    const given = forForeignAdapter(wire, exchange, copy);
    expect(given).toMatchObject({ url: '/v0/x', baseURL: 'https://b', timeout: 900 });
    expect((given as { asset?: unknown }).asset).toBe(copy);
    expect(given.signal).toBe(exchange.deadline.signal);
  });

  it('may come back with our route and token, and with no others', () => {
    const exchange = exchangeOf(configOf({}));
    const token = tokenOf('token-0123456789');
    const request = exchange.request.handOut({ token, origin: URL_SENT.origin });
    const config = forForeignAdapter(wireConfig(exchange, token, undefined), exchange, request);
    assertSendable({ ...exchange, config, request });
    for (const change of [{ httpAgent: 'theirs' }, { headers: { Authorization: 'Bearer theirs' } }]) {
      expect(() => {
        assertSendable({
          ...exchange,
          config: { ...config, ...change } as InternalAxiosRequestConfig,
          request,
        });
      }).toThrow(expect.objectContaining({ code: 'ASSET_REQUEST_NOT_ALLOWED' }) as Error);
    }
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

const NOT_ALLOWED = expect.objectContaining({ code: 'ASSET_REQUEST_NOT_ALLOWED' }) as Error;

const check = (config: object): void => {
  assertSendable(exchangeOf(config as InternalAxiosRequestConfig));
};

describe('a request of the application', () => {
  it('may set everything but its route and its credentials', () => {
    check({
      headers: new AxiosHeaders({ Accept: '*/*', 'X-Authorization': 'x', 'Proxy-Connection': 'keep-alive' }),
    });
    check({ headers: undefined, timeout: 7, maxRedirects: 0, params: { auth: 1 }, data: { proxy: 1 } });
    check({});
  });

  it.each([...ROUTE_OPTIONS, 'auth'])('may not set %s, not even to switch it off', (name) => {
    for (const value of [{}, false, null, '', 0]) {
      expect(() => {
        check({ headers: {}, [name]: value });
      }).toThrow(NOT_ALLOWED);
    }
    check({ headers: {}, [name]: undefined });
  });

  it.each<[string, object]>([
    ['of axios', new AxiosHeaders({ Authorization: 'x' })],
    ['of axios, switched off', new AxiosHeaders({ Authorization: false })],
    ['in a plain object', { authorization: 'x' }],
    ['in odd case', { AuThOrIzAtIoN: 'x' }],
    ['inherited', Object.create({ authorization: 'x' }) as object],
    ['empty', { Authorization: '' }],
  ])('may not bring an Authorization header: %s', (_what, headers) => {
    expect(() => {
      check({ headers });
    }).toThrow(NOT_ALLOWED);
  });

  it('may leave Authorization without a value', () => {
    check({ headers: { Authorization: undefined, authorization: null } });
  });

  it('may name no other host', () => {
    for (const headers of [{ Host: 'evil.example' }, { host: 'api.getasset.com:8443' }, { hOST: '' }]) {
      expect(() => {
        check({ headers });
      }).toThrow(NOT_ALLOWED);
    }
    check({ headers: { Host: 'API.getasset.com', host: undefined } });
    const gateway = new URL('https://gateway.example:8443/');
    assertHost('gateway.example:8443', gateway);
    expect(() => {
      assertHost('gateway.example', gateway);
    }).toThrow(NOT_ALLOWED);
  });

  it('is told which host it named in vain', () => {
    expect(() => {
      assertHost(['evil.example'], URL_SENT);
    }).toThrow('another host than api.getasset.com');
  });
});
