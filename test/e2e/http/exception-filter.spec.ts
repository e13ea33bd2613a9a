import { Controller, Get, Param } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { map, type Observable } from 'rxjs';
import {
  AssetAuthError,
  AssetAuthExceptionFilter,
  AssetBusiness,
  AssetHttpService,
  AssetScope,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { recordingLogger } from '../../support/recording-logger.js';

@Controller('businesses/:businessId/ledgers')
@AssetBusiness('businessId')
@AssetScope('ledger:read')
class LedgersController {
  constructor(private readonly asset: AssetHttpService) {}

  @Get()
  list(@Param('businessId') id: string): Observable<unknown> {
    return this.asset.get<unknown>(`/v0/business/${id}/ledger`).pipe(map(({ data }) => data));
  }

  @Get('elsewhere')
  elsewhere(): Observable<unknown> {
    return this.asset.get('https://elsewhere.example/');
  }

  @Get('broken')
  broken(): never {
    throw new Error('a secret detail');
  }
}

const logger = recordingLogger();

const start = (): Promise<RunningApplication> =>
  startApplication({
    controllers: [LedgersController],
    providers: [{ provide: APP_FILTER, useClass: AssetAuthExceptionFilter }],
    logger,
  });

async function call(
  { url, sandbox }: RunningApplication,
  path = '',
): Promise<{ response: Response; body: string }> {
  const response = await fetch(`${url}/businesses/${sandbox.businesses[0]!.id}/ledgers${path}`);
  return { response, body: await response.text() };
}

describe('AssetAuthExceptionFilter', () => {
  beforeEach(() => {
    logger.clear();
  });

  it('answers 503 with Retry-After when Asset asks to wait', async () => {
    const running = await start();
    running.sandbox.fail('token', { status: 429, headers: { 'retry-after': '7' } });
    const { response, body } = await call(running);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(JSON.parse(body)).toEqual({ statusCode: 503, message: 'Service Unavailable' });
  });

  it.each([
    [86_400, '3600'],
    [3600, '3600'],
    [7, '7'],
    [1_794_113_155, '3600'],
    [Date.UTC(2026, 0, 1) / 1000 + 7, '7'],
    [Date.UTC(2026, 0, 1) + 7000, '7'],
  ])('T101 tells a caller to wait an hour at most: of Retry-After: %i, %s', async (retryAfter, told) => {
    const running = await start();
    running.sandbox.fail('api', { status: 429, retryAfter });
    expect((await call(running)).response.headers.get('retry-after')).toBe(told);
  });

  it('answers 502 when Asset refuses the application, and logs the reason for the engineer on call', async () => {
    const running = await start();
    running.sandbox.configure({ scopes: [] });
    const { response, body } = await call(running);
    expect(response.status).toBe(502);
    expect(JSON.parse(body)).toEqual({ statusCode: 502, message: 'Bad Gateway' });
    expect(logger.text()).toContain('ASSET_SCOPE_REJECTED: No access token for scopes ledger:read');
  });

  it('answers 502 when the API finds the scope insufficient', async () => {
    const running = await start();
    running.sandbox.fail('api', { status: 403 });
    expect((await call(running)).response.status).toBe(502);
  });

  it('answers 504 when the token endpoint does not answer in time', async () => {
    const running = await start();
    running.sandbox.fail('token', { hang: true });
    const answer = call(running);
    await running.sandbox.waitForRequest('token');
    await running.clock.advance(10_000);
    expect((await answer).response.status).toBe(504);
  });

  it('answers 500 when the application asks for what it must not', async () => {
    const running = await start();
    const { response, body } = await call(running, '/elsewhere');
    expect(response.status).toBe(500);
    expect(body).not.toContain('elsewhere');
  });

  it('leaves a malformed business id a 400 that names the parameter', async () => {
    const running = await start();
    const response = await fetch(`${running.url}/businesses/nonsense/ledgers`);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('businessId');
  });

  it("leaves Asset's answers about the caller's request to Nest", async () => {
    const running = await start();
    running.sandbox.fail('api', { status: 404 });
    const { response, body } = await call(running);
    expect(response.status).toBe(500);
    expect(body).not.toContain('Scripted');
  });

  it('leaves errors of others to Nest', async () => {
    const running = await start();
    const { response, body } = await call(running, '/broken');
    expect(response.status).toBe(500);
    expect(body).not.toContain('secret');
    expect(logger.text()).toContain('a secret detail');
  });
});

describe('instanceof AssetAuthError', () => {
  it('knows the errors of another copy of the package, and no others', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('nestjs-asset-auth:error')]: true });
    expect(foreign).toBeInstanceOf(AssetAuthError);
    expect(isAssetAuthError(foreign)).toBe(true);
    expect(new Error('x')).not.toBeInstanceOf(AssetAuthError);
  });
});
