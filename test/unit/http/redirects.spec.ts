import { AxiosHeaders, type AxiosResponse, HttpStatusCode, type InternalAxiosRequestConfig } from 'axios';
import { RedirectGuard, redirectRefusal } from '../../../lib/http/redirects.js';

const ORIGIN = 'https://api.getasset.com';
const ANSWER = { headers: {}, statusCode: HttpStatusCode.Found };
const REQUEST = { headers: {}, url: ORIGIN, method: 'GET' };

type Hook = (options: Record<string, unknown>) => void;
type Config = InternalAxiosRequestConfig;

const configOf = (beforeRedirect?: Config['beforeRedirect']): Config => ({
  headers: new AxiosHeaders(),
  beforeRedirect,
});

/** As follow-redirects would go on. */
const options = (href = `${ORIGIN}/v0/x`): Record<string, unknown> => ({
  href,
  protocol: 'https:',
  hostname: 'api.getasset.com',
  port: '',
  path: '/v0/x',
  agents: { https: 'ours' },
  headers: { Accept: '*/*' },
});

function follow(given: Record<string, unknown>, hook?: Hook, businessId?: string): RedirectGuard {
  const guard = new RedirectGuard(ORIGIN, businessId, configOf(hook));
  guard.beforeRedirect(given, ANSWER, REQUEST);
  return guard;
}

describe('a redirect that is followed', () => {
  it('is let through within the origin', () => {
    expect(follow(options()).refusal).toBeUndefined();
    expect(follow(options(`${ORIGIN}/v0/business/biz_1`), undefined, 'biz_1').refusal).toBeUndefined();
  });

  it.each([
    'https://evil.example/',
    'http://api.getasset.com/',
    'https://u:p@api.getasset.com/',
    'blob:https://api.getasset.com/1',
  ])('is refused to %s, and the guard knows why', (href) => {
    const guard = new RedirectGuard(ORIGIN, undefined, configOf());
    let thrown: unknown;
    try {
      guard.beforeRedirect(options(href), ANSWER, REQUEST);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
    expect(guard.refusal).toBe(thrown);
  });

  it('is refused to another business', () => {
    expect(() => follow(options(`${ORIGIN}/v0/business/biz_2`), undefined, 'biz_1')).toThrow(
      expect.objectContaining({ code: 'ASSET_BUSINESS_MISMATCH' }) as Error,
    );
  });

  it('is shown to the hook of the application as it is, with answer and request', () => {
    const seen: unknown[] = [];
    const given = options();
    const hook = (...all: unknown[]): void => void seen.push(...all);
    new RedirectGuard(ORIGIN, undefined, configOf(hook)).beforeRedirect(given, ANSWER, REQUEST);
    expect(seen).toEqual([given, ANSWER, REQUEST]);
    expect(seen[0]).toBe(given);
  });

  it('may get other headers from the hook', () => {
    const given = options();
    follow(given, ({ headers }) =>
      Object.assign(headers as object, { 'x-a': '1', Host: 'api.getasset.com' }),
    );
    expect(given.headers).toHaveProperty('x-a', '1');
  });

  it.each([
    'href',
    'protocol',
    'hostname',
    'host',
    'port',
    'path',
    'agent',
    'agents',
    'socketPath',
    'lookup',
    'createConnection',
    'auth',
  ])('is refused if the hook changes %s', (name) => {
    expect(() => follow(options(), (given) => (given[name] = `${ORIGIN}/changed`))).toThrow(
      'The hook beforeRedirect changed where a redirect leads to.',
    );
  });

  it('is refused if the hook names another host in the headers', () => {
    expect(() =>
      follow(options(), ({ headers }) => Object.assign(headers as object, { hOST: 'evil.example' })),
    ).toThrow('another host than api.getasset.com');
  });

  it.each<[string, Hook]>([
    ['removes', ({ headers }) => Reflect.deleteProperty(headers as object, 'Authorization')],
    ['replaces', ({ headers }) => Object.assign(headers as object, { Authorization: 'Basic x' })],
  ])('is refused if the hook %s the token', (_what, hook) => {
    const given = options();
    Object.assign(given.headers as object, { Authorization: 'Bearer ours' });
    expect(() => follow(given, hook)).toThrow('belongs to this client');
  });

  it('is no refusal of ours if the hook itself refuses it', () => {
    const guard = new RedirectGuard(
      ORIGIN,
      undefined,
      configOf(() => {
        throw new Error('mine');
      }),
    );
    expect(() => {
      guard.beforeRedirect(options(), ANSWER, REQUEST);
    }).toThrow('mine');
    expect(guard.refusal).toBeUndefined();
  });
});

describe('a redirect that is refused', () => {
  const URL_SENT = new URL('https://api.getasset.com/v0/business?secret=1');
  const refusalOf = (status: number, location?: unknown): Error | undefined =>
    redirectRefusal(
      {
        status,
        headers: { Location: location },
        request: { method: 'GET', host: 'api.getasset.com', path: '/v0/business?secret=1' },
      } as unknown as AxiosResponse,
      URL_SENT,
    );

  it.each([300, 301, 302, 303, 307, 308, 399])('is any %i that names a location', (status) => {
    expect(refusalOf(status, '/v0/x')).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED', retryable: false });
    expect(refusalOf(status)).toBeUndefined();
  });

  it.each([200, 201, 299, 400, 503])('is no %i, whatever it names', (status) => {
    expect(refusalOf(status, '/v0/x')).toBeUndefined();
  });

  it('is none of an answer that never came', () => {
    expect(redirectRefusal(undefined, URL_SENT)).toBeUndefined();
  });

  it.each([
    ['/v0/moved?key=secret', 'a redirect to /v0/moved.'],
    ['https://api.getasset.com/v0/moved?key=secret', 'a redirect to /v0/moved.'],
    ['https://evil.example/x?key=secret', 'a redirect to https://evil.example/x.'],
    ['//evil.example/x', 'a redirect to'],
    ['http://[', 'a redirect to'],
  ])('says where %s leads to, without its query', (location, words) => {
    const { message } = refusalOf(302, location)!;
    expect(message).toContain('Asset answered 302 to GET /v0/business: ');
    expect(message).toContain(words);
    expect(message).toContain('set maxRedirects');
    expect(message).not.toContain('secret');
  });
});
