import type { INestApplication, LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { AssetAuthConfig, listAssetScopes } from 'nestjs-asset-auth';
import { type AssetSandbox, expectNoSecrets } from 'nestjs-asset-auth/testing';
import { AppModule } from '../../../sample-app/app.module.js';
import { sandboxUnlessConfigured } from '../../../sample-app/demo/sandbox.js';
import { isJobOn } from '../../../sample-app/reports/aged-payables.job.js';
import { afterThisTest } from '../../support/cleanup.js';
import { keepSecretsOf, wasCaught } from '../../support/no-secrets.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { statusOf } from './raw-call.fixture.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface Sample {
  readonly app: INestApplication;
  readonly sandbox: AssetSandbox;
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>;
  /** The id of a ledger of {@link BUSINESS}. */
  readonly ledgerId: string;
}

/** The sample as `npm start` starts it, on a free port, with its scheduled job stopped. */
async function startSample(logger: LoggerService = recordingLogger()): Promise<Sample> {
  const sandbox = (await sandboxUnlessConfigured(process.env))!.own!;
  afterThisTest(async () => {
    forgetAsset();
    await sandbox.close();
  });
  keepSecretsOf(sandbox);
  const app = await NestFactory.create(AppModule, { logger, abortOnError: false });
  afterThisTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  await app.get(SchedulerRegistry).getCronJob('AgedPayablesJob').stop();
  const url = await app.getUrl();
  const call: Sample['call'] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const answer = { status: response.status, headers: response.headers, body: await response.json() };
    wasCaught(answer);
    return answer;
  };
  const { body } = await call('GET', `/businesses/${BUSINESS}/ledgers`);
  const [ledger] = (body as { data: readonly { id: string }[] }).data;
  sandbox.clearRequests();
  return { app, sandbox, call, ledgerId: ledger!.id };
}

/** What reached Asset's API: method, path, and what the token that came with it stands for. */
const arrived = ({ apiRequests }: AssetSandbox): unknown =>
  apiRequests.map(({ method, path, claims, authorized }) => ({
    call: `${method} ${path}`,
    scopes: claims?.scopes,
    businessId: claims?.businessId,
    authorized,
  }));

function forgetAsset(): void {
  for (const name of Object.keys(process.env))
    if (/^(ASSET_.*|REDIS_URL|SANDBOX_PORT)$/.test(name)) Reflect.deleteProperty(process.env, name);
}

beforeAll(forgetAsset);

describe('The sample application', () => {
  const ledgers = `/businesses/${BUSINESS}/ledgers`;
  const ledger = { name: 'Petty Cash', type: 'asset', subtype: 'current_asset', description: 'A tin' };

  it.each([
    ['GET', '/businesses', undefined, 200, 'GET /v0/business', 'business:read', undefined],
    [
      'GET',
      '/businesses?pageSize=2',
      undefined,
      200,
      'GET /v0/business?page_size=2',
      'business:read',
      undefined,
    ],
    ['POST', '/businesses', { name: 'Acme' }, 201, 'POST /v0/business', 'business:create', undefined],
    ['GET', ledgers, undefined, 200, `GET /v0/business/${BUSINESS}/ledger`, 'ledger:read', BUSINESS],
    ['POST', ledgers, ledger, 201, `POST /v0/business/${BUSINESS}/ledger`, 'ledger:create', BUSINESS],
    [
      'GET',
      `/businesses/${BUSINESS}/reports/aged-payables`,
      undefined,
      200,
      `GET /v0/business/${BUSINESS}/reports/aged-payables`,
      'report:read',
      BUSINESS,
    ],
  ])(
    '%s %s asks for its own scope and business, and for nothing else',
    async (method, path, body, status, sent, scope, businessId) => {
      const { call, sandbox } = await startSample();
      const answer = await call(method, path, body);
      expect(answer).toMatchObject({ status, body: { data: expect.anything() as unknown } });
      expect(arrived(sandbox)).toEqual([{ call: sent, scopes: [scope], businessId, authorized: true }]);
      expect(sandbox.apiRequests[0]!.body.toString()).toBe(body === undefined ? '' : JSON.stringify(body));
    },
  );

  it('goes on to the page that an answer offers', async () => {
    const { call, sandbox } = await startSample();
    interface Page {
      readonly data: unknown;
      readonly pagination: { readonly next_page_token: string };
    }
    const first = (await call('GET', '/businesses?pageSize=2')).body as Page;
    const next = await call('GET', `/businesses?pageSize=2&pageToken=${first.pagination.next_page_token}`);
    expect(next).toMatchObject({ status: 200, body: { data: [sandbox.businesses[2]] } });
  });

  it('PATCH of a ledger asks for ledger:update', async () => {
    const { call, sandbox, ledgerId } = await startSample();
    const answer = await call('PATCH', `${ledgers}/${ledgerId}`, { name: 'Renamed' });
    expect(answer).toMatchObject({ status: 200, body: { data: { id: ledgerId, name: 'Renamed' } } });
    expect(arrived(sandbox)).toEqual([
      {
        call: `PATCH /v0/business/${BUSINESS}/ledger/${ledgerId}`,
        scopes: ['ledger:update'],
        businessId: BUSINESS,
        authorized: true,
      },
    ]);
  });

  it('POST of a journal entry asks for journal_entry:create', async () => {
    const { call, sandbox, ledgerId } = await startSample();
    const lines = [
      { ledger_id: ledgerId, debit: '12.50' },
      { ledger_id: ledgerId, credit: '12.50' },
    ];
    const answer = await call('POST', `/businesses/${BUSINESS}/journal-entries`, { lines });
    expect(answer).toMatchObject({ status: 201, body: { data: { lines } } });
    expect(arrived(sandbox)).toEqual([
      {
        call: `POST /v0/business/${BUSINESS}/journal-entries`,
        scopes: ['journal_entry:create'],
        businessId: BUSINESS,
        authorized: true,
      },
    ]);
  });

  it('takes money as text or as a number, as Asset does, and says so where it is neither', async () => {
    const { call, sandbox, ledgerId } = await startSample();
    const path = `/businesses/${BUSINESS}/journal-entries`;
    const lines = [
      { ledger_id: ledgerId, debit: 12.5 },
      { ledger_id: ledgerId, credit: '12.50' },
    ];
    expect(await call('POST', path, { lines })).toMatchObject({ status: 201, body: { data: { lines } } });
    expect(JSON.parse(sandbox.apiRequests[0]!.body.toString())).toEqual({ lines });

    const { body } = await call('POST', path, { lines: [{ ...lines[0], debit: '12,50' }, lines[1]] });
    expect(body).toMatchObject({
      message: ['lines.0.debit must be decimal dollars with at most two places, such as "12.50" or 12.5'],
    });
  });

  it('runs its scheduled job in scopes of its own', async () => {
    const { app, sandbox } = await startSample();
    await app.get(SchedulerRegistry).getCronJob('AgedPayablesJob').fireOnTick();
    expect(arrived(sandbox)).toEqual([
      {
        call: 'GET /v0/business?page_size=10',
        scopes: ['business:read'],
        businessId: undefined,
        authorized: true,
      },
      ...sandbox.businesses.map(({ id }) => ({
        call: `GET /v0/business/${id}/reports/aged-payables`,
        scopes: ['report:read'],
        businessId: id,
        authorized: true,
      })),
    ]);
  });

  it.each([
    ['a sandbox on this machine', 'http://127.0.0.1:3999', undefined, true],
    ['a sandbox on this machine, where it is unwanted', 'http://127.0.0.1:3999', 'off', false],
    ['Asset', 'https://api.getasset.com', undefined, false],
    ['Asset, where it is asked for', 'https://api.getasset.com', 'on', true],
  ])('runs its scheduled job by itself or not: %s', (_, baseUrl, said, isOn) => {
    const config = new AssetAuthConfig({ baseUrl, clientId: 'platform', clientSecret: 'of-no-value' });
    expect(isJobOn(config, said)).toBe(isOn);
  });

  it('declares a scope for every call, and never asks for the full grant', async () => {
    const { app } = await startSample();
    const { scopes, fullGrant, undeclared } = listAssetScopes(app);
    expect({ scopes, fullGrant, undeclared }).toEqual({
      scopes: [
        'business:create',
        'business:read',
        'journal_entry:create',
        'ledger:create',
        'ledger:read',
        'ledger:update',
        'report:read',
      ],
      fullGrant: [],
      undeclared: [],
    });
  });

  it('shows what tokens it holds', async () => {
    const { call, sandbox } = await startSample();
    await call('GET', '/businesses');
    const { status, body } = await call('GET', '/tokens');
    expect(status).toBe(200);
    expect(body).toEqual([
      expect.objectContaining({ scopes: ['business:read'], state: 'fresh' }),
      expect.objectContaining({ scopes: ['ledger:read'], businessId: BUSINESS, state: 'fresh' }),
    ]);
    expectNoSecrets(body, [sandbox.clientSecret, ...sandbox.issuedTokens], { clientId: sandbox.clientId });
  });
});

describe('What the sample application refuses by itself', () => {
  it.each([
    ['GET', '/businesses/acme/ledgers'],
    ['POST', '/businesses/biz_/ledgers'],
    ['PATCH', '/businesses/biz_1%2F..%2F2/ledgers/ldg_1'],
    ['POST', '/businesses/BIZ_1/journal-entries'],
    ['GET', '/businesses/biz_1%20/reports/aged-payables'],
  ])('%s %s: a malformed business id is a 400 before any token is asked for', async (method, path) => {
    const { call, sandbox } = await startSample();
    const answer = await call(method, path, method === 'GET' ? undefined : {});
    expect(answer).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/business id/) as unknown },
    });
    expect(sandbox.requests).toEqual([]);
  });

  const twoLines = (line: object): object => ({ lines: [line, { ledger_id: 'ldg_1', credit: '1.00' }] });

  it.each([
    ['GET', '/businesses?pageSize=0', undefined],
    ['GET', '/businesses?pageSize=101', undefined],
    ['GET', '/businesses?pageSize=ten', undefined],
    ['GET', '/businesses?page_size=10', undefined],
    ['GET', '/businesses?pageToken=', undefined],
    ['GET', '/businesses?pageToken=a&pageToken=b', undefined],
    ['POST', '/businesses', {}],
    ['POST', '/businesses', { name: '' }],
    ['POST', '/businesses', { name: 'Acme', admin: true }],
    ['POST', `/businesses/${BUSINESS}/ledgers`, { name: 'Petty Cash', type: 'cash' }],
    ['PATCH', `/businesses/${BUSINESS}/ledgers/ldg_1`, { type: 'cash' }],
    ['PATCH', `/businesses/${BUSINESS}/ledgers/..%2F..`, { name: 'Elsewhere' }],
    ['PATCH', `/businesses/${BUSINESS}/ledgers/ldg_1%3Fx`, { name: 'Elsewhere' }],
    ['POST', `/businesses/${BUSINESS}/journal-entries`, { lines: [] }],
    ['POST', `/businesses/${BUSINESS}/journal-entries`, twoLines({ ledger_id: 'ldg_1', debit: 1e21 })],
    ['POST', `/businesses/${BUSINESS}/journal-entries`, twoLines({ ledger_id: 'ldg_1', debit: [1] })],
    ['POST', `/businesses/${BUSINESS}/journal-entries`, twoLines({ ledger_id: 'ldg_1', debit: '1.005' })],
    [
      'POST',
      `/businesses/${BUSINESS}/journal-entries`,
      twoLines({ ledger_id: 'ldg_1', debit: '1', by: 'me' }),
    ],
  ])('%s %s %j is a 400, and nothing is sent', async (method, path, body) => {
    const { call, sandbox } = await startSample();
    expect(await call(method, path, body)).toMatchObject({ status: 400 });
    expect(sandbox.requests).toEqual([]);
  });
});

describe('Another site in the browser of whoever runs the sample application', () => {
  const AS_JSON = { 'content-type': 'application/json; charset=utf-8' };
  const AS_FORM = { 'content-type': 'application/x-www-form-urlencoded' };
  const EVIL = 'http://evil.example';

  it('changes nothing, neither by a form nor as JSON, where a command and the page’s own origin do', async () => {
    const { app, sandbox, ledgerId } = await startSample();
    const url = await app.getUrl();
    const post = (headers: Record<string, string>): Promise<number> => {
      const lines = [
        { ledger_id: ledgerId, debit: '12.50' },
        { ledger_id: ledgerId, credit: '12.50' },
      ];
      const form = `lines[0][ledger_id]=${ledgerId}&lines[0][debit]=1&lines[1][ledger_id]=${ledgerId}&lines[1][credit]=1`;
      const isForm = headers['content-type'] === AS_FORM['content-type'];
      const body = isForm ? form : JSON.stringify({ lines });
      return statusOf(`${url}/businesses/${BUSINESS}/journal-entries`, 'POST', headers, body);
    };
    expect(await post({ ...AS_FORM, origin: EVIL })).toBe(403);
    expect(await post({ ...AS_FORM, origin: 'null' })).toBe(403);
    expect(await post({ ...AS_JSON, origin: EVIL })).toBe(403);
    expect(await post({ ...AS_JSON, origin: EVIL, host: 'evil.example' })).toBe(403);
    expect(await post({ ...AS_JSON, origin: 'http://127.0.0.1:1' })).toBe(403);
    expect(await post(AS_FORM)).toBe(415);
    expect(await post({ 'content-type': 'application/jsonp' })).toBe(415);
    expect(sandbox.requests).toEqual([]);
    expect(await post(AS_JSON)).toBe(201);
    expect(await post({ ...AS_JSON, origin: url })).toBe(201);
  });

  it('reads nothing under a name that it has resolve to this machine', async () => {
    const { app, sandbox } = await startSample();
    const url = await app.getUrl();
    const { port } = new URL(url);
    for (const path of ['/businesses', '/tokens']) {
      for (const host of [
        `evil.example:${port}`,
        'evil.example',
        'localhost.evil.example',
        '127.0.0.1@evil',
      ]) {
        expect(await statusOf(url + path, 'GET', { host })).toBe(403);
      }
    }
    expect(sandbox.requests).toEqual([]);
    for (const host of [`localhost:${port}`, `[::1]:${port}`, '127.0.0.1']) {
      expect(await statusOf(`${url}/businesses`, 'GET', { host })).toBe(200);
      expect(await statusOf(`${url}/businesses`, 'HEAD', { host })).toBe(200);
    }
  });

  it('is told why it is refused, and what to do', async () => {
    const { app } = await startSample();
    const url = `${await app.getUrl()}/businesses`;
    const told = async (headers: Record<string, string>): Promise<unknown> => {
      const { message } = (await (await fetch(url, { method: 'POST', headers, body: '{}' })).json()) as {
        readonly message: string;
      };
      return message;
    };
    expect(await told({ origin: EVIL })).toMatch(
      /Open it at http:\/\/127\.0\.0\.1:\d+, or send no Origin\.$/,
    );
    expect(await told({})).toMatch(/Send the header "content-type: application\/json"\.$/);
  });
});

describe('What the sample application tells its callers when Asset refuses or fails', () => {
  const path = `/businesses/${BUSINESS}/reports/aged-payables`;

  it("hands on Asset's own 404 and 422", async () => {
    const { call, ledgerId } = await startSample();
    const ledgers = `/businesses/${BUSINESS}/ledgers`;
    expect((await call('PATCH', `${ledgers}/ldg_none`, { name: 'X' })).body).toEqual({
      statusCode: 404,
      message: 'There is no such ledger in this business.',
    });
    expect((await call('PATCH', `${ledgers}/${ledgerId}`, { name: ' ' })).body).toEqual({
      statusCode: 422,
      message: 'name must be a non-empty string.',
    });
  });

  it('answers 404 for a business that Asset does not know', async () => {
    const { call } = await startSample();
    const { body } = await call('GET', '/businesses/biz_Nobody/ledgers');
    expect(body).toEqual({ statusCode: 404, message: 'There is no such business.' });
  });

  it('answers 503 with Retry-After while Asset wants to be left alone', async () => {
    const { call, sandbox } = await startSample();
    sandbox.fail('token', { status: 429, retryAfter: 7 });
    const { status, headers } = await call('GET', path);
    expect([status, headers.get('retry-after')]).toEqual([503, '7']);
  });

  it.each([
    ['rejects the credentials', 'token' as const, { status: 401 }],
    ['lacks the scope', 'api' as const, { status: 403 }],
    ['fails', 'api' as const, { status: 500 }],
    ['breaks the connection off', 'api' as const, { reset: true as const }],
  ])('answers 502 when Asset %s', async (_what, kind, fault) => {
    const { call, sandbox } = await startSample();
    sandbox.fail(kind, fault, Infinity);
    expect(await call('GET', path)).toMatchObject({ status: 502 });
  });

  it('lets no secret into an answer or the log, whatever fails', async () => {
    const logger = recordingLogger();
    const { call, sandbox } = await startSample(logger);
    const answers = [await call('GET', path)];
    for (const fault of [{ status: 403 }, { status: 404 }, { status: 500 }, { reset: true as const }]) {
      // A kept connection that is reset says nothing: the call goes out again, on another.
      sandbox.fail('api', fault, 'reset' in fault ? Infinity : 1);
      answers.push(await call('GET', path));
      sandbox.clearFaults();
    }
    sandbox.rejectTokens(Infinity);
    answers.push(await call('GET', path));
    sandbox.clearFaults();
    sandbox.rotateSecret();
    answers.push(await call('POST', '/businesses', { name: 'Acme' }), await call('GET', '/tokens'));
    expect(answers.map(({ status }) => status)).toEqual([200, 502, 404, 502, 502, 502, 502, 200]);
    expect(logger.text()).toContain('ASSET_INSUFFICIENT_SCOPE');
    expectNoSecrets([answers, logger.lines], [sandbox.clientSecret, ...sandbox.issuedTokens], {
      clientId: sandbox.clientId,
    });
  });
});
