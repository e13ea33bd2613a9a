import { HttpStatusCode } from 'axios';
import { RedirectGuard } from '../../../lib/http/redirect-guard.js';

const ORIGIN = 'https://api.getasset.com';
const ANSWER = { headers: {}, statusCode: HttpStatusCode.Found };
const REQUEST = { headers: {}, url: ORIGIN, method: 'GET' };

type Hook = (options: Record<string, unknown>) => void;

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
  const guard = new RedirectGuard(ORIGIN, businessId, hook);
  guard.beforeRedirect(given, ANSWER, REQUEST);
  return guard;
}

describe('a redirect', () => {
  it('within the origin is let through, and nothing is held against it', () => {
    expect(follow(options()).refusal).toBeUndefined();
    expect(follow(options(`${ORIGIN}/v0/business/biz_1`), undefined, 'biz_1').refusal).toBeUndefined();
  });

  it.each([
    'https://evil.example/',
    'http://api.getasset.com/',
    'https://u:p@api.getasset.com/',
    'blob:https://api.getasset.com/1',
  ])('to %s is refused, and the guard knows why', (href) => {
    const guard = new RedirectGuard(ORIGIN, undefined, undefined);
    let thrown: unknown;
    try {
      guard.beforeRedirect(options(href), ANSWER, REQUEST);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'ASSET_REQUEST_NOT_ALLOWED' });
    expect(guard.refusal).toBe(thrown);
  });

  it('to another business is refused', () => {
    expect(() => follow(options(`${ORIGIN}/v0/business/biz_2`), undefined, 'biz_1')).toThrow(
      expect.objectContaining({ code: 'ASSET_BUSINESS_MISMATCH' }) as Error,
    );
  });

  it('is shown to the hook of the application as it is, with answer and request', () => {
    const seen: unknown[] = [];
    const given = options();
    new RedirectGuard(ORIGIN, undefined, (...all) => seen.push(...all)).beforeRedirect(
      given,
      ANSWER,
      REQUEST,
    );
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

  it('that the hook itself refuses is no refusal of ours', () => {
    const guard = new RedirectGuard(ORIGIN, undefined, () => {
      throw new Error('mine');
    });
    expect(() => {
      guard.beforeRedirect(options(), ANSWER, REQUEST);
    }).toThrow('mine');
    expect(guard.refusal).toBeUndefined();
  });
});
