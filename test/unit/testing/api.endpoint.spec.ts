import { AssetSandbox, type AssetSandboxOptions, ManualClock } from '../../../lib/testing/index.js';
import { call, type CallOptions, type Fields, getToken, json, sandboxes } from './sandbox-client.js';

const MINE = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const OTHER = 'biz_7Qm2ZsK9pT4vXc8RbN1wYd';

interface Listing {
  readonly data: readonly { readonly id: string; readonly name: string }[];
  readonly pagination: {
    readonly next_page_token: string | null;
    readonly previous_page_token: string | null;
  };
}

describe('The API of AssetSandbox', () => {
  const { keep } = sandboxes();
  const start = async (options: AssetSandboxOptions = {}): Promise<AssetSandbox> =>
    keep(await AssetSandbox.start(options));

  /** A sandbox and a token of it, and how to call the one with the other. */
  const startWith = async (fields: Fields = {}, options: AssetSandboxOptions = {}) => {
    const sandbox = await start(options);
    const { access_token } = await getToken(sandbox, fields);
    return { sandbox, to: (path: string, init?: CallOptions) => call(sandbox, access_token, path, init) };
  };

  describe('checks the token', () => {
    it('and answers 401 to a call without one, without an error code, as in RFC 6750 §3.1', async () => {
      const sandbox = await start();
      const response = await fetch(`${sandbox.url}/v0/business`);
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      expect(sandbox.apiRequests[0]).toMatchObject({ authorized: false, claims: undefined, status: 401 });
    });

    it('and answers 401 invalid_token to one that it did not issue, or that was tampered with', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      for (const token of ['unknown', `${access_token}x`, access_token.slice(0, -1)]) {
        const response = await call(sandbox, token, '/v0/business');
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer error="invalid_token"',
        ]);
      }
    });

    it('and takes no other scheme, and none but well-formed tokens', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      for (const authorization of [
        `Basic ${access_token}`,
        access_token,
        `Bearer ${access_token} x`,
        'Bearer',
      ]) {
        const response = await fetch(`${sandbox.url}/v0/business`, { headers: { authorization } });
        expect(response.status).toBe(401);
      }
    });

    it('and refuses it from its expiry on, by the sandbox’s own clock', async () => {
      const clock = new ManualClock();
      const { sandbox, to } = await startWith({ expires_in: '60' }, { clock });
      await clock.advance(59_999);
      expect((await to('/v0/business')).status).toBe(200);
      await clock.advance(1);
      expect((await to('/v0/business')).status).toBe(401);
      expect(sandbox.apiRequests.map((request) => [request.authorized, request.claims?.jti])).toEqual([
        [true, sandbox.tokenRequests[0]?.claims?.jti],
        [false, sandbox.tokenRequests[0]?.claims?.jti],
      ]);
    });

    it('and refuses it once tokens were revoked, but not those issued afterwards', async () => {
      const { sandbox, to } = await startWith();
      sandbox.revokeTokens();
      expect((await to('/v0/business')).status).toBe(401);
      const { access_token } = await getToken(sandbox);
      expect((await call(sandbox, access_token, '/v0/business')).status).toBe(200);
    });

    it('and still takes it after the secret was rotated', async () => {
      const { sandbox, to } = await startWith();
      sandbox.rotateSecret();
      expect((await to('/v0/business')).status).toBe(200);
    });

    it('and says which scope was missing: 403 insufficient_scope', async () => {
      const { sandbox, to } = await startWith({ scope: 'ledger:create report:read' });
      const response = await to(`/v0/business/${MINE}/ledger`);
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([
        403,
        'Bearer error="insufficient_scope", scope="ledger:read"',
      ]);
      expect(sandbox.apiRequests[0]).toMatchObject({ authorized: false, status: 403 });
    });

    it('and confines one that is narrowed to a business to it', async () => {
      const { to } = await startWith({ business_id: MINE });
      const paths = [`/v0/business/${MINE}/ledger`, `/v0/business/${OTHER}/ledger`, `/v0/business/${OTHER}`];
      const statuses = await Promise.all(paths.map(async (path) => (await to(path)).status));
      expect(statuses).toEqual([200, 403, 403]);
    });

    it('and reads an encoded business id as what it is', async () => {
      const { to } = await startWith({ business_id: MINE });
      expect((await to(`/v0/business/${OTHER.replace('_', '%5F')}/ledger`)).status).toBe(403);
      expect((await to(`/v0/business/${MINE.replace('_', '%5F')}/ledger`)).status).toBe(200);
    });

    it('and decides by the switch whether a business token may call tenant-level paths', async () => {
      const { sandbox, to } = await startWith({ business_id: MINE });
      expect((await to('/v0/business')).status).toBe(200);
      sandbox.configure({ businessTokensOnTenantPaths: 'reject' });
      expect((await to('/v0/business')).status).toBe(403);
      expect((await to(`/v0/business/${MINE}/ledger`)).status).toBe(200);
    });
  });

  const LINES = [{ ledger_id: '', debit: 1 }];
  it.each<[string, string, string, string, unknown]>([
    ['business:create', 'POST', '/v0/business', '', { name: 'New' }],
    ['ledger:read', 'GET', '/ledger', MINE, undefined],
    ['ledger:create', 'POST', '/ledger', MINE, { name: 'Cash', type: 'asset' }],
    ['ledger:read', 'GET', '/ledger/ldg_1', MINE, undefined],
    ['ledger:update', 'PATCH', '/ledger/ldg_1', MINE, { name: 'Cash' }],
    ['journal_entry:create', 'POST', '/journal-entries', MINE, { lines: LINES }],
    ['report:read', 'GET', '/reports/aged-payables', MINE, undefined],
    ['report:read', 'GET', '/reports/customer-credits', MINE, undefined],
    ['invoice:create', 'POST', '/invoice', MINE, {}],
    ['invoice:create', 'POST', '/invoice-payment', MINE, {}],
    ['invoice:update', 'PATCH', '/invoice/inv_1', MINE, {}],
    ['request:read', 'GET', '/task', MINE, undefined],
    ['request:create', 'POST', '/task', MINE, {}],
  ])('asks for %s at %s %s, and for nothing else', async (scope, method, path, business, body) => {
    const url = business === '' ? path : `/v0/business/${business}${path}`;
    const sandbox = await start();
    const everythingElse = sandbox.settings.scopes.filter((one) => one !== scope).join(' ');
    const statuses = [];
    for (const scopes of [everythingElse, scope]) {
      const { access_token } = await getToken(sandbox, { scope: scopes });
      statuses.push((await call(sandbox, access_token, url, { method, json: body })).status);
    }
    expect(statuses[0]).toBe(403);
    expect(statuses[1]).not.toBe(403);
    expect(sandbox.apiRequests.map((request) => request.authorized)).toEqual([false, true]);
  });

  it('takes any valid token where no scope is documented', async () => {
    const { to } = await startWith({ scope: 'report:read' });
    const statuses = await Promise.all(
      ['/v0/business', `/v0/business/${MINE}`, '/v0/tenant/tag-fields'].map(
        async (path) => (await to(path)).status,
      ),
    );
    expect(statuses).toEqual([200, 200, 200]);
  });

  describe('businesses', () => {
    it('start with three, listed in the envelope of the Asset API reference', async () => {
      const { sandbox, to } = await startWith();
      expect(await json(to('/v0/business'))).toEqual({
        data: sandbox.businesses,
        pagination: { next_page_token: null, previous_page_token: null },
      });
      expect(sandbox.businesses.map((business) => business.id)).toEqual([
        MINE,
        OTHER,
        'biz_Kt5HjL3nVf6DgS8aPq2eMr',
      ]);
    });

    it('are created, read and renamed', async () => {
      const { sandbox, to } = await startWith();
      const created = await to('/v0/business', { method: 'POST', json: { name: 'Bramble Books' } });
      const { data } = await json<{ data: { id: string } }>(created);
      expect([created.status, data]).toEqual([
        201,
        { id: expect.stringMatching(/^biz_\w{22}$/) as string, name: 'Bramble Books' },
      ]);
      const renamed = await to(`/v0/business/${data.id}`, {
        method: 'PATCH',
        json: { name: 'Bramble & Co' },
      });
      expect([renamed.status, await json(renamed)]).toEqual([
        200,
        { data: { id: data.id, name: 'Bramble & Co' } },
      ]);
      expect(await json(to(`/v0/business/${data.id}`))).toEqual({
        data: { id: data.id, name: 'Bramble & Co' },
      });
      expect(sandbox.businesses).toHaveLength(4);
    });

    it('keep their name when a change names none', async () => {
      const { to } = await startWith();
      expect(await json(to(`/v0/business/${MINE}`, { method: 'PATCH', json: {} }))).toEqual({
        data: { id: MINE, name: 'Juniper Bakery' },
      });
    });

    it.each([{}, { name: '' }, { name: ' ' }, { name: 5 }, [], 'text', null])(
      'need a name: %j is a 422',
      async (body) => {
        const { to } = await startWith();
        expect((await to('/v0/business', { method: 'POST', json: body })).status).toBe(422);
      },
    );

    it('are added by the test as well, with an id of its choice', async () => {
      const { sandbox, to } = await startWith();
      expect(sandbox.addBusiness({ id: 'biz_1', name: 'One' })).toEqual({ id: 'biz_1', name: 'One' });
      expect(sandbox.addBusiness().id).toMatch(/^biz_\w{22}$/);
      expect((await json<Listing>(to('/v0/business/biz_1/ledger'))).data).toHaveLength(3);
      expect(() => sandbox.addBusiness({ id: 'biz_1' })).toThrow('there is a business biz_1 already');
      expect(() => sandbox.addBusiness({ id: 'business 1' })).toThrow(TypeError);
      expect(() => sandbox.addBusiness({ name: '' })).toThrow(TypeError);
    });

    it('that do not exist are a 404 on every path below them', async () => {
      const { to } = await startWith();
      const paths = [
        '/v0/business/biz_none',
        '/v0/business/biz_none/ledger',
        '/v0/business/biz_none/whatever',
      ];
      const statuses = await Promise.all(paths.map(async (path) => (await to(path)).status));
      expect(statuses).toEqual([404, 404, 404]);
    });
  });

  describe('lists', () => {
    it('are paged by page_size and page_token, forth and back', async () => {
      const { sandbox, to } = await startWith();
      sandbox.addBusiness({ id: 'biz_4' });
      sandbox.addBusiness({ id: 'biz_5' });
      const page = async (token: string | null): Promise<Listing> =>
        json(to(`/v0/business?page_size=2${token === null ? '' : `&page_token=${token}`}`));
      const first = await page(null);
      const second = await page(first.pagination.next_page_token);
      const third = await page(second.pagination.next_page_token);
      const ids = sandbox.businesses.map((business) => business.id);
      expect([first, second, third].map(({ data }) => data.map(({ id }) => id))).toEqual([
        ids.slice(0, 2),
        ids.slice(2, 4),
        ids.slice(4),
      ]);
      expect([first.pagination.previous_page_token, third.pagination.next_page_token]).toEqual([null, null]);
      expect(await page(third.pagination.previous_page_token)).toEqual(second);
    });

    it('end where a page ends, and begin at the beginning whatever the page before would have been', async () => {
      const { to } = await startWith();
      const whole = await json<Listing>(to('/v0/business?page_size=3'));
      expect(whole.pagination).toEqual({ next_page_token: null, previous_page_token: null });
      const { pagination } = await json<Listing>(to('/v0/business?page_size=1'));
      const rest = await json<Listing>(
        to(`/v0/business?page_size=2&page_token=${pagination.next_page_token ?? ''}`),
      );
      expect(rest.data).toEqual(whole.data.slice(1));
      const back = rest.pagination.previous_page_token ?? '';
      expect((await json<Listing>(to(`/v0/business?page_token=${back}`))).data).toEqual(whole.data);
    });

    it('are handed out whole by page_size=100, as in the Asset authentication guide', async () => {
      const { to } = await startWith();
      expect((await json<Listing>(to('/v0/business?page_size=100'))).data).toHaveLength(3);
    });

    it.each([
      'page_size=0',
      'page_size=101',
      'page_size=x',
      'page_size=',
      'page_size=1.5',
      'page_token=x',
      'page_token=',
      `page_token=${Buffer.from('page:x').toString('base64url')}`,
      `page_token=${Buffer.from('other7').toString('base64url')}`,
    ])('refuse %s with 422', async (query) => {
      const { to } = await startWith();
      expect((await to(`/v0/business?${query}`)).status).toBe(422);
    });
  });

  describe('ledgers', () => {
    it('are created, listed, read and changed', async () => {
      const { to } = await startWith({ business_id: MINE });
      const ledger = { name: 'Petty Cash', type: 'asset', subtype: 'current_asset', description: 'The tin' };
      const created = await to(`/v0/business/${MINE}/ledger`, { method: 'POST', json: ledger });
      const { data } = await json<{ data: { id: string } }>(created);
      expect([created.status, data]).toEqual([
        201,
        { ...ledger, id: expect.stringMatching(/^ldg_\w{22}$/) as string },
      ]);
      const path = `/v0/business/${MINE}/ledger/${data.id}`;
      const changed = { ...ledger, id: data.id, description: null, name: 'Petty Cash 2' };
      const patch = await to(path, {
        method: 'PATCH',
        json: { name: 'Petty Cash 2', description: null, id: 'ldg_x' },
      });
      expect([patch.status, await json(patch)]).toEqual([200, { data: changed }]);
      expect(await json(to(path))).toEqual({ data: changed });
      expect((await json<Listing>(to(`/v0/business/${MINE}/ledger`))).data[3]).toEqual(changed);
    });

    it('belong to one business', async () => {
      const { to } = await startWith();
      const { data } = await json<Listing>(to(`/v0/business/${MINE}/ledger`));
      expect((await to(`/v0/business/${OTHER}/ledger/${data[0]!.id}`)).status).toBe(404);
      expect((await to(`/v0/business/${MINE}/ledger/${data[0]!.id}`)).status).toBe(200);
    });

    it.each<[unknown]>([
      [{ type: 'asset' }],
      [{ name: 'Cash' }],
      [{ name: 5, type: 'asset' }],
      [{ name: 'Cash', type: 'money' }],
      [{ name: 'Cash', type: 'asset', subtype: 'Current Asset' }],
      [{ name: 'Cash', type: 'asset', subtype: 5 }],
      [{ name: 'Cash', type: 'asset', description: 5 }],
    ])('refuse %j with 422', async (body) => {
      const { to } = await startWith();
      expect((await to(`/v0/business/${MINE}/ledger`, { method: 'POST', json: body })).status).toBe(422);
    });
  });

  describe('journal entries', () => {
    const post = async (lines: (ids: readonly string[]) => unknown) => {
      const { to } = await startWith({ business_id: MINE });
      const { data } = await json<Listing>(to(`/v0/business/${MINE}/ledger`));
      const entry = { description: 'Rent', lines: lines(data.map(({ id }) => id)) };
      return {
        entry,
        response: await to(`/v0/business/${MINE}/journal-entries`, { method: 'POST', json: entry }),
      };
    };

    it('are accepted when they balance, in numbers and strings alike', async () => {
      const { entry, response } = await post(([a, b, c]) => [
        { ledger_id: a, debit: '1000.10' },
        { ledger_id: b, credit: 1000 },
        { ledger_id: c, credit: 0.1 },
      ]);
      expect(response.status).toBe(201);
      expect(await json(response)).toEqual({
        data: { ...entry, id: expect.stringMatching(/^je_\w{22}$/) as string },
      });
    });

    it('need no more than two lines', async () => {
      const { response } = await post(([a, b]) => [
        { ledger_id: a, debit: '12.5' },
        { ledger_id: b, credit: 12.5 },
      ]);
      expect(response.status).toBe(201);
    });

    it.each<[string, (ids: readonly string[]) => unknown]>([
      ['no list', () => undefined],
      ['one line', ([a]) => [{ ledger_id: a, debit: 1 }]],
      [
        'an unbalanced entry',
        ([a, b]) => [
          { ledger_id: a, debit: 1 },
          { ledger_id: b, credit: 1.01 },
        ],
      ],
      [
        'a ledger of nobody',
        ([a]) => [
          { ledger_id: a, debit: 1 },
          { ledger_id: 'ldg_1', credit: 1 },
        ],
      ],
      ['lines that are no objects', () => [null, 'text']],
      [
        'a ledger that is no id',
        ([a]) => [
          { ledger_id: a, debit: 1 },
          { ledger_id: 5, credit: 1 },
        ],
      ],
      ['no ledger', ([a]) => [{ ledger_id: a, debit: 1 }, { credit: 1 }]],
      [
        'debit and credit on one line',
        ([a, b]) => [
          { ledger_id: a, debit: 1, credit: 1 },
          { ledger_id: b, debit: 1, credit: 1 },
        ],
      ],
      ['neither', ([a, b]) => [{ ledger_id: a }, { ledger_id: b }]],
      [
        'a negative amount',
        ([a, b]) => [
          { ledger_id: a, debit: -1 },
          { ledger_id: b, credit: -1 },
        ],
      ],
      [
        'nothing but zeros',
        ([a, b]) => [
          { ledger_id: a, debit: 0 },
          { ledger_id: b, credit: '0.00' },
        ],
      ],
      [
        'tenths of a cent',
        ([a, b]) => [
          { ledger_id: a, debit: 0.001 },
          { ledger_id: b, credit: 0.001 },
        ],
      ],
      [
        'words',
        ([a, b]) => [
          { ledger_id: a, debit: 'one' },
          { ledger_id: b, credit: 'one' },
        ],
      ],
    ])('are refused with 422 for %s', async (_what, lines) => {
      expect((await post(lines)).response.status).toBe(422);
    });
  });

  it('serves both reports, empty', async () => {
    const { to } = await startWith();
    for (const report of ['aged-payables', 'customer-credits']) {
      const response = await to(`/v0/business/${MINE}/reports/${report}`);
      expect([response.status, await json(response)]).toEqual([
        200,
        { data: { report, business_id: MINE, total: '0.00', rows: [] } },
      ]);
    }
  });

  it('keeps what it does not model, business by business', async () => {
    const { to } = await startWith();
    const invoice = await json<{ data: { id: string } }>(
      to(`/v0/business/${MINE}/invoice`, { method: 'POST', json: { number: 7, id: 'mine' } }),
    );
    expect(invoice.data).toEqual({ number: 7, id: expect.stringMatching(/^inv_\w{22}$/) as string });
    const path = `/invoice/${invoice.data.id}`;
    const changed = await to(`/v0/business/${MINE}${path}`, { method: 'PATCH', json: { paid: true } });
    expect([changed.status, await json(changed)]).toEqual([
      200,
      { data: { number: 7, paid: true, id: invoice.data.id } },
    ]);
    expect((await to(`/v0/business/${OTHER}${path}`, { method: 'PATCH', json: {} })).status).toBe(404);
    expect((await to(`/v0/business/${MINE}/invoice-payment`, { method: 'POST', json: {} })).status).toBe(201);
    for (const list of [`/v0/business/${MINE}/task`, '/v0/tenant/tag-fields']) {
      expect((await to(list, { method: 'POST', json: { name: 'x' } })).status).toBe(201);
      expect((await json<Listing>(to(list))).data).toMatchObject([{ name: 'x' }]);
    }
    expect((await json<Listing>(to(`/v0/business/${OTHER}/task`))).data).toEqual([]);
  });

  it('answers an unknown GET below /v0 with an empty list, and everything else unknown with 404', async () => {
    const { to } = await startWith();
    expect(await json(to(`/v0/business/${MINE}/vendor?x=1`))).toEqual({
      data: [],
      pagination: { next_page_token: null, previous_page_token: null },
    });
    const statuses = await Promise.all([
      to('/v1/business'),
      to('/'),
      to('/v0/vendor', { method: 'POST', json: {} }),
    ]);
    expect(statuses.map(({ status }) => status)).toEqual([404, 404, 404]);
  });

  it('answers 405 with the methods there are', async () => {
    const { to } = await startWith();
    const response = await to(`/v0/business/${MINE}/ledger`, { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, POST']);
  });

  it('answers HEAD like GET, without the body', async () => {
    const { to } = await startWith();
    const response = await to('/v0/business', { method: 'HEAD' });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('reads JSON only where it is sent as such, and only if it is', async () => {
    const { to } = await startWith();
    const headers = { 'content-type': 'text/plain' };
    expect((await to('/v0/business', { method: 'POST', json: { name: 'X' }, headers })).status).toBe(422);
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    const broken = await fetch(`${sandbox.url}/v0/business`, {
      method: 'POST',
      body: '{"name":',
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json; charset=utf-8' },
    });
    expect(broken.status).toBe(422);
  });

  it('echoes any body byte for byte on its own path, on either level', async () => {
    const { sandbox } = await startWith();
    const { access_token } = await getToken(sandbox, { business_id: MINE });
    const body = new Uint8Array(Array.from({ length: 256 }, (_, index) => index));
    for (const path of ['/v0/echo', `/v0/business/${MINE}/echo`]) {
      const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'application/x-odd' };
      const response = await fetch(sandbox.url + path, { method: 'PUT', body, headers });
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-odd']);
      expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(body));
    }
    expect((await call(sandbox, access_token, `/v0/business/${OTHER}/echo`, { method: 'PUT' })).status).toBe(
      403,
    );
  });

  it('does not take what a client writes differently for the same path', async () => {
    const { to } = await startWith();
    expect((await json<Listing>(to(`/v0//business`))).data).toEqual([]);
    expect((await to(`/v0/business/%zz/ledger`)).status).toBe(404);
  });

  it('formats the errors of the API side as set', async () => {
    const { sandbox, to } = await startWith();
    sandbox.configure({ errorFormat: 'detail' });
    expect(await json(to('/v0/business/biz_none'))).toEqual({ detail: 'There is no such business.' });
  });

  describe('with rateLimits', () => {
    const limitsOf = ({ headers, status }: Response) => [
      status,
      ...['limit', 'remaining', 'reset'].map((name) => headers.get(`x-ratelimit-${name}`)),
    ];

    it('off, as by default, sends no headers and never answers 429', async () => {
      const { to } = await startWith();
      expect(limitsOf(await to('/v0/business'))).toEqual([200, null, null, null]);
    });

    it('on, announces the documented limits, with a reset that may be a fraction', async () => {
      const { sandbox, to } = await startWith(
        {},
        { rateLimits: true, clock: new ManualClock(1_800_000_000_250) },
      );
      expect(limitsOf(await to('/v0/business'))).toEqual([200, '300', '299', '1800000060.25']);
      expect(limitsOf(await to('/v0/business/biz_none'))).toEqual([404, '300', '298', '1800000060.25']);
      expect(sandbox.apiRequests.map((request) => request.status)).toEqual([200, 404]);
    });

    it('answers 429 above the limit until the minute is over', async () => {
      const clock = new ManualClock(0);
      const { to } = await startWith({ expires_in: '3600' }, { clock, rateLimits: { tenantPerMinute: 2 } });
      const seen = [];
      for (const wait of [0, 10_000, 49_999, 1]) {
        await clock.advance(wait);
        seen.push(limitsOf(await to('/v0/business')));
      }
      expect(seen).toEqual([
        [200, '2', '1', '60'],
        [200, '2', '0', '60'],
        [429, '2', '0', '60'],
        [200, '2', '1', '120'],
      ]);
    });

    it('begins a new minute when the clock is set back', async () => {
      const clock = new ManualClock(3_600_000);
      const { to } = await startWith({ expires_in: '7200' }, { clock, rateLimits: { tenantPerMinute: 1 } });
      await to('/v0/business');
      clock.jumpWallClock(-1);
      expect(limitsOf(await to('/v0/business'))).toEqual([200, '1', '0', '3659.999']);
    });

    it('counts tenant level and each business apart', async () => {
      const { to } = await startWith({}, { rateLimits: { tenantPerMinute: 1, businessPerMinute: 1 } });
      const paths = ['/v0/business', `/v0/business/${MINE}`, `/v0/business/${OTHER}/ledger`];
      for (const status of [200, 429]) {
        expect(await Promise.all(paths.map(async (path) => (await to(path)).status))).toEqual([
          status,
          status,
          status,
        ]);
      }
    });

    it('counts token requests only when told to', async () => {
      const sandbox = await start({ rateLimits: { tenantPerMinute: 1 } });
      const { access_token } = await getToken(sandbox);
      await getToken(sandbox);
      sandbox.configure({ rateLimits: { tenantPerMinute: 1, tokenRequestsCount: true } });
      await getToken(sandbox);
      expect((await call(sandbox, access_token, '/v0/business')).status).toBe(429);
      expect((await fetch(`${sandbox.url}/v0/auth/token`, { method: 'POST' })).status).toBe(429);
    });

    it('does not count calls that it refused for their token', async () => {
      const { sandbox, to } = await startWith({}, { rateLimits: { tenantPerMinute: 1 } });
      await call(sandbox, 'unknown', '/v0/business');
      expect((await to('/v0/business')).status).toBe(200);
    });
  });
});
