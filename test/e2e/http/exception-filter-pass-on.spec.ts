import type { Readable } from 'node:stream';
import { Catch, Controller, type ExceptionFilter, Get, Param, Query, Res, UseFilters } from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost } from '@nestjs/core';
import axios, { AxiosError } from 'axios';
import {
  AssetAuthExceptionFilter,
  AssetBusiness,
  AssetHttpService,
  AssetScope,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { firstValueFrom, map, type Observable, tap } from 'rxjs';
import { startForeignServer } from '../../support/foreign-server.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { platforms } from '../nest/application.fixture.js';
import { startOnSandbox } from '../nest/entry-points.fixture.js';

const PASS_ON = [400, 404, 409, 422];
/** The answers of failed calls to `stream`. */
const streams: Readable[] = [];
const AssetFilter = AssetAuthExceptionFilter.with({ passOn: PASS_ON });

@Controller('businesses/:businessId')
@AssetBusiness('businessId')
@AssetScope('ledger:read')
class LedgersController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get('ledgers')
  list(@Param('businessId') id: string): Observable<unknown> {
    return this.asset
      .get<unknown>(`/v0/business/${id}/ledger?note=private`, { timeout: 300 })
      .pipe(map(({ data }) => data));
  }

  @Get('stream')
  stream(@Param('businessId') id: string): Observable<unknown> {
    const note = (error: AxiosError): unknown => streams.push(error.response!.data as Readable);
    return this.asset.get(`/v0/business/${id}/ledger`, { responseType: 'stream' }).pipe(tap({ error: note }));
  }

  @Get('cancelled')
  async cancelled(@Param('businessId') id: string): Promise<unknown> {
    return firstValueFrom(this.asset.get(`/v0/business/${id}/ledger`, { signal: AbortSignal.abort() }));
  }

  @Get('elsewhere')
  async elsewhere(@Query('url') url: string): Promise<unknown> {
    // As if it had a field of that name, too.
    return axios.get(url, { asset: { scopes: ['ledger:read'] } });
  }
}

@UseFilters(AssetFilter)
class WithFilterClass extends LedgersController {}

@UseFilters(new AssetFilter())
class WithFilterInstance extends LedgersController {}

const inherit = (controller: typeof LedgersController): typeof LedgersController => {
  Controller('businesses/:businessId')(controller);
  AssetBusiness('businessId')(controller);
  AssetScope('ledger:read')(controller);
  return controller;
};

const global = [{ provide: APP_FILTER, useClass: AssetFilter }];
const logger = recordingLogger();

async function start(
  metadata: Parameters<typeof startOnSandbox>[0] = { providers: global },
  parts: Parameters<typeof startOnSandbox>[1] = {},
) {
  const running = await startOnSandbox(
    { controllers: [LedgersController], ...metadata },
    { logger, ...parts },
  );
  const call = async (path = 'ledgers', businessId = running.id) => {
    const response = await fetch(`${running.url}/businesses/${businessId}/${path}`);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  logger.clear();
  return { ...running, call };
}

const linesOfFilter = (): string[] =>
  logger.lines
    .filter(({ text }) => text.endsWith('AssetAuthExceptionFilter'))
    .map(({ level, text }) => `${level} ${text}`);

describe.each(platforms)('A filter that passes statuses on, over %s', (_platform, adapter) => {
  it.each([
    ['APP_FILTER with useClass', { providers: global }],
    ['APP_FILTER with useValue', { providers: [{ provide: APP_FILTER, useValue: new AssetFilter() }] }],
    [
      'APP_FILTER with useFactory',
      {
        providers: [
          {
            provide: APP_FILTER,
            inject: [HttpAdapterHost],
            useFactory: ({ httpAdapter }: HttpAdapterHost) => new AssetFilter(httpAdapter),
          },
        ],
      },
    ],
    ['@UseFilters with the class', { controllers: [inherit(WithFilterClass)] }],
    ['@UseFilters with an instance', { controllers: [inherit(WithFilterInstance)] }],
  ])('works bound by %s', async (_binding, metadata) => {
    const { call, sandbox } = await start(metadata, { adapter: adapter() });
    sandbox.fail('api', { status: 422, body: { message: 'name must be a non-empty string.' } });
    expect(await call()).toMatchObject({
      status: 422,
      body: { statusCode: 422, message: 'name must be a non-empty string.' },
    });
    sandbox.fail('api', { status: 503, retryAfter: 9 });
    const { status, headers, body } = await call();
    expect([status, headers.get('retry-after'), body]).toEqual([
      503,
      '9',
      { statusCode: 503, message: 'Service Unavailable' },
    ]);
    expect(await call()).toMatchObject({ status: 200 });
  });

  it.each([
    ['made by Nest', { providers: global }],
    ['made by the application', { providers: [{ provide: APP_FILTER, useValue: new AssetFilter() }] }],
  ])('leaves alone an answer that has begun, when it is %s', async (_by, metadata) => {
    @Controller('begun')
    @AssetBusiness(null)
    @AssetScope('ledger:read')
    class BegunController {
      constructor(private readonly asset: AssetHttpService) {}

      @Get()
      async begin(@Res() response: { raw?: NodeJS.WritableStream } & NodeJS.WritableStream): Promise<void> {
        const raw = response.raw ?? response;
        raw.write('so far');
        await firstValueFrom(this.asset.get('/v0/tenant/tag-fields'));
      }
    }
    const { url, sandbox } = await start(
      { ...metadata, controllers: [BegunController] },
      { adapter: adapter() },
    );
    sandbox.fail('api', { status: 404 });
    const response = await fetch(`${url}/begun`);
    expect([response.status, await response.text()]).toEqual([200, 'so far']);
    expect(logger.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

describe('What a filter passes on', () => {
  it.each(PASS_ON)('is a %i with its message, and nothing else of the answer', async (status) => {
    const { call, sandbox } = await start();
    sandbox.fail('api', {
      status,
      headers: { 'x-internal': 'yes', 'retry-after': '5' },
      body: { message: 'No.', internal: 'detail' },
    });
    const answer = await call();
    expect(answer).toMatchObject({ status, body: { statusCode: status, message: 'No.' } });
    expect(Object.keys(answer.body as object)).toEqual(['statusCode', 'message']);
    expect([answer.headers.get('x-internal'), answer.headers.get('retry-after')]).toEqual([null, null]);
  });

  it.each([
    ['message', { message: 'No.' }, 'No.'],
    ['detail', { detail: 'No.' }, 'No.'],
    ['error_description', { error: 'x', error_description: 'No.' }, 'No.'],
    ['no text', { message: { text: 'No.' } }, 'Conflict'],
    ['an empty text', { message: '' }, 'Conflict'],
    ['nothing', '', 'Conflict'],
    ['null', 'null', 'Conflict'],
    ['a page', '<html>No.</html>', 'Conflict'],
    ['control characters', { message: 'No\u0007\u202e.' }, 'No\ufffd\ufffd.'],
  ])('is read from a body with %s', async (_what, body, message) => {
    const { call, sandbox } = await start();
    sandbox.fail('api', { status: 409, body });
    expect((await call()).body).toEqual({ statusCode: 409, message });
  });

  it('is bounded, and holds nothing that looks like a token, also where it is cut', async () => {
    const { call, sandbox } = await start();
    const messageOf = async (message: string): Promise<string> => {
      sandbox.fail('api', { status: 400, body: { message } });
      return ((await call()).body as { message: string }).message;
    };
    expect(await messageOf('x'.repeat(1_000_000))).toBe(`${'x'.repeat(500)}…`);
    await call();
    const [token] = sandbox.issuedTokens;
    expect(await messageOf(`Refused ${token}.`)).toBe('Refused [redacted]');
    expect(await messageOf('Refused Bearer opaque-token now.')).toBe('Refused [redacted] now.');
    expect(await messageOf(`${'x'.repeat(480)} ${token}${'y'.repeat(9000)}`)).toBe(
      `${'x'.repeat(480)} [redacted]`,
    );
  });

  it('has no message where the answer is a stream, which is let go', async () => {
    const { call, sandbox } = await start();
    sandbox.fail('api', { status: 404 });
    expect((await call('stream')).body).toEqual({ statusCode: 404, message: 'Not Found' });
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  it('is a business that the token endpoint does not know, together with 404', async () => {
    const { call } = await start();
    expect((await call('ledgers', 'biz_Nobody')).body).toEqual({
      statusCode: 404,
      message: 'There is no such business.',
    });
    const without404 = AssetAuthExceptionFilter.with({ passOn: [422] });
    const other = await start({ providers: [{ provide: APP_FILTER, useClass: without404 }] });
    expect((await other.call('ledgers', 'biz_Nobody')).status).toBe(502);
    other.sandbox.fail('api', { status: 404 });
    expect((await other.call()).body).toEqual({ statusCode: 502, message: 'Bad Gateway' });
  });

  it.each([[[401]], [[403]], [[429]], [[407]], [[500]], [[399]], [['404']], [[404.5]], [undefined], [404]])(
    'cannot be %j',
    (passOn) => {
      const problem = (): unknown => AssetAuthExceptionFilter.with({ passOn: passOn as number[] });
      expect(problem).toThrow(
        /^The options of AssetAuthExceptionFilter cannot be used:\n {2}- passOn: must be/,
      );
      try {
        problem();
      } catch (error) {
        expect(isAssetAuthError(error, 'ASSET_CONFIG_INVALID')).toBe(true);
      }
    },
  );
});

describe('What a filter that passes statuses on makes of other failures', () => {
  it.each([
    ['a 500', { status: 500 }, 502, 'warn Asset answered 500 to GET PATH'],
    ['a 418', { status: 418 }, 502, 'warn Asset answered 418 to GET PATH'],
    ['a 503', { status: 503, retryAfter: 999_999 }, 503, 'warn Asset answered 503 to GET PATH'],
    ['a reset', { reset: true as const }, 502, 'warn Asset gave no answer to GET PATH: '],
    [
      'no answer in time',
      { hang: true as const },
      504,
      'warn Asset gave no answer to GET: timeout of 300ms exceeded',
    ],
    ['a 403', { status: 403 }, 502, 'warn ASSET_INSUFFICIENT_SCOPE: '],
    ['a 404', { status: 404 }, 404, 'debug Asset answered 404 to GET PATH (passed on as 404)'],
  ])('%s: an answer, and one line in the log without a body', async (_what, fault, status, line) => {
    const { call, sandbox, id } = await start();
    // Twice, since the reset of a connection that was kept is no failure yet.
    sandbox.fail('api', fault, 2);
    const answer = await call();
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '3600' : null);
    const lines = linesOfFilter();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(line.replace('PATH', `/v0/business/${id}/ledger`));
    expect(lines[0]).not.toMatch(/Scripted|private|\n/);
  });
});

describe('Whose errors a filter that passes statuses on handles', () => {
  /** The application's own. */
  @Catch(AxiosError)
  class OtherFilter implements ExceptionFilter {
    catch(_error: AxiosError, host: Parameters<ExceptionFilter['catch']>[1]): void {
      host
        .switchToHttp()
        .getResponse<{ status(code: number): { json(body: unknown): void } }>()
        .status(418)
        .json({});
    }
  }

  const notFound = () =>
    startForeignServer((_request, response) => {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"a secret detail"}');
    });

  it('not those of another user of axios, which stay with Nest', async () => {
    const { call } = await start();
    const { origin } = await notFound();
    const { status, body } = await call(`elsewhere?url=${origin}`);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('detail');
    expect(linesOfFilter()).toEqual([]);
  });

  it('not those of another user of axios, which go to the filter that the application has for them', async () => {
    // Nest asks the filter that was bound last first.
    const providers = [{ provide: APP_FILTER, useClass: OtherFilter }, ...global];
    const { call, sandbox } = await start({ providers });
    const { origin } = await notFound();
    expect((await call(`elsewhere?url=${origin}`)).status).toBe(418);
    sandbox.fail('api', { status: 404 });
    expect((await call()).status).toBe(404);
  });

  it('not a call that the application cancelled', async () => {
    const { call } = await start();
    expect((await call('cancelled')).status).toBe(500);
    expect(linesOfFilter()).toEqual([]);
  });
});
