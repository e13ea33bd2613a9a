import { AxiosHeaders } from 'axios';
import { httpDefaultsProblem } from '../../../lib/config/option-checks.js';

describe('The axios defaults', () => {
  it.each([
    [{}],
    [
      {
        timeout: 5000,
        headers: { 'X-Trace': '1', common: { Accept: 'text/csv' }, post: { 'X-Kind': 'write' } },
      },
    ],
    [{ headers: new AxiosHeaders({ 'X-Trace': '1' }) }],
    [{ headers: undefined, baseURL: undefined, allowAbsoluteUrls: true }],
    [{ proxy: { host: 'proxy.example', port: 3128 }, maxRedirects: 0, validateStatus: null }],
    [Object.create(null)],
  ])('may be %p', (defaults) => {
    expect(httpDefaultsProblem(defaults)).toBeUndefined();
  });

  it.each([
    ['timeout', '10s', /"timeout" as a number of milliseconds such as 10000, or 0 for none, not text/],
    ['timeout', '10000', /not text/],
    ['timeout', -1, /not -1/],
    ['timeout', NaN, /not NaN/],
    ['timeout', null, /not null/],
    ['maxRedirects', '3', /"maxRedirects" as a number of redirects, or 0 for none, not text/],
    ['maxContentLength', '1mb', /a number of bytes, not text/],
    ['maxBodyLength', -2, /a number of bytes, not -2/],
  ])('T108 may not give %s as %p', (name, value, words) => {
    expect(httpDefaultsProblem({ [name]: value })).toMatch(words);
    for (const number of [0, 1, 1.5, Infinity]) {
      expect(httpDefaultsProblem({ [name]: number })).toBeUndefined();
    }
    expect(httpDefaultsProblem({ maxBodyLength: -1, maxContentLength: -1 })).toBeUndefined();
  });

  it.each(['url', 'baseURL', 'adapter', 'auth', 'method', 'data', 'params', 'asset'])(
    'T21 may not set %j, not even to null',
    (name) => {
      expect(httpDefaultsProblem({ [name]: 'https://evil.example' })).toBe(
        `must not set "${name}": it belongs to this library or to the single request`,
      );
      expect(httpDefaultsProblem({ [name]: null })).toMatch(`"${name}"`);
    },
  );

  it('may not forbid absolute URLs, which would then be sent to Asset as paths', () => {
    expect(httpDefaultsProblem({ allowAbsoluteUrls: false })).toMatch(
      /must not set "allowAbsoluteUrls" to false/,
    );
  });

  it.each([
    [{ Authorization: 'Bearer x' }],
    [{ authorization: 'Bearer x' }],
    [{ ' AUTHORIZATION\t': 'Bearer x' }],
    [{ common: { Authorization: 'Bearer x' } }],
    [{ post: new AxiosHeaders({ Authorization: 'Bearer x' }) }],
    [new AxiosHeaders('authorization: Bearer x')],
  ])('may not hold the header of the access token: %p', (headers) => {
    const problem = httpDefaultsProblem({ headers });
    expect(problem).toMatch(/must not set the header "Authorization"/);
    expect(problem).not.toMatch(/Bearer/);
  });

  it.each([{ httpVersion: 2 }, { http2Options: {} }])('may not ask for HTTP/2: %p', (defaults) => {
    expect(httpDefaultsProblem(defaults)).toMatch(/must not ask for HTTP\/2/);
    expect(httpDefaultsProblem({ httpVersion: 1 })).toBeUndefined();
  });

  it.each([[{ Host: 'elsewhere.example' }], [{ common: { host: 'elsewhere.example' } }]])(
    'may not hold the header by which a front end tells hosts apart: %p',
    (headers) => {
      expect(httpDefaultsProblem({ headers })).toMatch(/must not set the header "Host"/);
    },
  );

  it.each([
    ['Authorization: Bearer x'],
    [['Authorization', 'x']],
    [new Map([['Authorization', 'x']])],
    [null],
    [7],
  ])('may not give headers as %p, which axios would take in silence', (headers) => {
    expect(httpDefaultsProblem({ headers })).toBe('must give "headers" as an object of names and values');
  });

  it('may be circular', () => {
    const headers: Record<string, unknown> = { 'X-Trace': '1' };
    headers.common = headers;
    expect(httpDefaultsProblem({ headers })).toBeUndefined();
  });

  it.each([
    ['http://user:hunter2@proxy.example', 'a string'],
    [null, 'null'],
    [[], 'a list'],
    [() => ({}), 'a value of type function'],
    [5000, 'a value of type number'],
  ])('are an object, not %p, which is not repeated', (defaults, kind) => {
    expect(httpDefaultsProblem(defaults)).toBe(
      `must be an object of axios defaults such as { timeout: 5000 }, not ${kind}`,
    );
  });
});
