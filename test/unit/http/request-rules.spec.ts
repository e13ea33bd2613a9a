import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { assertHost, assertPlainRequest } from '../../../lib/http/wire-config.js';
import { ROUTE_OPTIONS } from '../../../lib/token/endpoint/connections.js';

const URL_SENT = new URL('https://api.getasset.com/v0/business');
const NOT_ALLOWED = expect.objectContaining({ code: 'ASSET_REQUEST_NOT_ALLOWED' }) as Error;

const check = (config: object): void => {
  assertPlainRequest(config as InternalAxiosRequestConfig, URL_SENT);
};

describe('a request of the application', () => {
  it('may say everything but its way and its credentials', () => {
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

  it('may name no other host, by which a front end or TLS would pick another server', () => {
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
