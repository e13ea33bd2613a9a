import { createServer } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { AssetTokenService } from 'nestjs-asset-auth';
import { type AssetSandbox, expectNoSecrets } from 'nestjs-asset-auth/testing';
import type { Page } from 'playwright-core';
import { demoModule } from '../../../sample-app/demo/demo.module.js';
import { sandboxUnlessConfigured } from '../../../sample-app/demo/sandbox.js';
import { openPage } from '../../support/chromium.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { listening } from '../../support/listening.js';
import { keepSecretsOf } from '../../support/no-secrets.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { statusOf } from './raw-call.fixture.js';
import { SampleProcess } from './sample-process.fixture.js';

interface Demo {
  readonly url: string;
  readonly sandbox: AssetSandbox;
  readonly app: INestApplication;
}

/** The demo as `npm start` starts it, on a free port, with its scheduled job stopped. */
async function startDemo(): Promise<Demo> {
  const demo = await sandboxUnlessConfigured(process.env);
  const sandbox = demo!.own!;
  afterThisTest(async () => {
    forgetAsset();
    await sandbox.close();
  });
  keepSecretsOf(sandbox);
  const app = await NestFactory.create(demoModule(demo), {
    logger: recordingLogger(),
    abortOnError: false,
    forceCloseConnections: true,
  });
  afterThisTest(() => app.close());
  await app.listen(0, '127.0.0.1');
  await app.get(SchedulerRegistry).getCronJob('AgedPayablesJob').stop();
  return { url: await app.getUrl(), sandbox, app };
}

function forgetAsset(): void {
  for (const name of Object.keys(process.env))
    if (/^(ASSET_.*|REDIS_URL|SANDBOX_PORT)$/.test(name)) Reflect.deleteProperty(process.env, name);
}

beforeAll(forgetAsset);

const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();

const number = async (page: Page, id: string): Promise<number> =>
  Number(await page.locator(`#${id}`).textContent());

/** Four callers call once a second each. */
async function callsGoOn(page: Page): Promise<void> {
  const before = await number(page, 'answered');
  await eventually(async () => (await number(page, 'answered')) >= before + 4);
}

/** As often as it takes: an endpoint that failed a moment ago is not asked again at once. */
async function renewUntil(page: Page, shows: string): Promise<void> {
  await eventually(async () => {
    await press(page, 'Renew now');
    return (await page.locator(shows).count()) > 0;
  });
}

describe('The page of the sample application', () => {
  it('shows the tokens and the requests, with what they are for, as soon as something is called', async () => {
    const { url } = await startDemo();
    const { page, problems } = await openPage(url);
    await page.getByText('No token is held yet').waitFor();
    await press(page, 'Call once');
    await page.locator('#answered', { hasText: '4' }).waitFor();
    await page.locator('#tokens li .bar').nth(3).waitFor();

    const tokens = await page.locator('#tokens li').allTextContents();
    expect(tokens.sort()).toEqual([
      expect.stringMatching(/^business:read · no businessrenewal in \d\d s, expiry in \d\d s · \d uses?$/),
      expect.stringMatching(/^ledger:read · Juniper Bakery/),
      expect.stringMatching(/^ledger:read · Northwind Cycles/),
      expect.stringMatching(/^report:read · Harbour Dental/),
    ]);
    for (const bar of await page.locator('#tokens .bar').all()) {
      expect((await bar.boundingBox())!.width).toBeGreaterThan(50);
    }
    const called = page.locator('#api-requests tbody tr');
    await called.filter({ hasText: '200' }).nth(3).waitFor();
    expect((await called.allTextContents()).map((text) => text.slice('00:00:00'.length)).sort()).toEqual([
      'GET /business/…/ledgerledger:read · Juniper Bakery200',
      'GET /business/…/ledgerledger:read · Northwind Cycles200',
      'GET /business/…/reports/aged-payablesreport:read · Harbour Dental200',
      'GET /businessbusiness:read · no business200',
    ]);
    expect(await page.locator('#token-requests tbody tr').count()).toBe(4);
    expect(await page.locator('#health').getAttribute('data-status')).toBe('up');
    expect([await number(page, 'failed'), problems]).toEqual([0, []]);
  });

  it('shows tokens for different resources apart, each with its own requests', async () => {
    const { url, app } = await startDemo();
    const asked = { scopes: ['ledger:read'] };
    const tokens = app.get(AssetTokenService);
    await tokens.getAccessToken(asked);
    await tokens.getAccessToken({ ...asked, resource: ['https://two.example', 'https://one.example'] });
    const { page, problems } = await openPage(url);
    await page.locator('#tokens li').nth(1).waitFor();
    const rows = await page.locator('#tokens li').allTextContents();
    expect(rows.sort()).toEqual([
      expect.stringMatching(/^ledger:read · no business · https:\/\/one\.example · https:\/\/two\.example/),
      expect.stringMatching(/^ledger:read · no businessrenewal/),
    ]);
    for (const row of await page.locator('#tokens li').all()) {
      expect(await row.locator('.mark').count()).toBe(1);
    }
    expect(problems).toEqual([]);
  });

  it('shows that callers notice nothing of a token endpoint that fails or hangs, of revoked tokens and of a new secret', async () => {
    const { url, sandbox } = await startDemo();
    const firstSecret = sandbox.clientSecret;
    const { page, problems } = await openPage(url);
    await press(page, 'Keep calling');
    await callsGoOn(page);

    await press(page, 'Token endpoint: 503');
    await renewUntil(page, '#health[data-status="degraded"]');
    await page.locator('#tokens .mark.bad').first().waitFor();
    await page
      .getByText(/^serves for \d+ s · ASSET_TOKEN_UNAVAILABLE$/)
      .first()
      .waitFor();
    await callsGoOn(page);
    await press(page, 'Mend everything');
    await renewUntil(page, '#health[data-status="up"]');

    const replayed = page.locator('#api-requests .status', { hasText: '401' }).first().waitFor();
    await press(page, 'Revoke all tokens');
    await replayed;
    await callsGoOn(page);

    await press(page, 'Rotate the secret');
    await page.getByText('The secret was rotated.').waitFor();
    expect(sandbox.clientSecret).not.toBe(firstSecret);
    const issued = sandbox.issuedTokens.length;
    await renewUntil(page, '#tokens .bar.past');
    await eventually(() => sandbox.issuedTokens.length >= issued + 4);
    await callsGoOn(page);

    await press(page, 'Token endpoint: hang');
    await press(page, 'Renew now');
    await page.locator('#token-requests .status', { hasText: '…' }).first().waitFor();
    await callsGoOn(page);
    await page.locator('[data-action="token-hang"][aria-pressed="true"]').waitFor();
    await press(page, 'Token endpoint: hang');
    await page.locator('[data-action="token-hang"][aria-pressed="false"]').waitFor();
    await callsGoOn(page);

    await press(page, 'Mend everything');
    await eventually(() => sandbox.clientSecret === firstSecret);
    expect([await number(page, 'failed'), problems]).toEqual([0, []]);
  });

  it('shows that a forbidden business is the only one to suffer', async () => {
    const { url } = await startDemo();
    const { page, problems } = await openPage(url);
    await press(page, 'Keep calling');
    await callsGoOn(page);
    await press(page, 'Forbid one business');
    await eventually(async () => (await number(page, 'failed')) >= 2);
    const failed = await page.locator('#callers tbody tr td:nth-child(3)').allTextContents();
    expect(failed.map(Number)).toEqual([0, 0, expect.any(Number), 0]);
    expect(Number(failed[2])).toBeGreaterThanOrEqual(2);
    // The browser reports each call that failed, and the script nothing.
    expect(problems.filter((problem) => !problem.includes('502 (Bad Gateway)'))).toEqual([]);
  });

  it('shows no token and no secret: not in what it is made of, not in its events, not on the screen', async () => {
    const { url, sandbox } = await startDemo();
    const secrets = [sandbox.clientSecret];
    const { page } = await openPage(url);
    await press(page, 'Keep calling');
    await callsGoOn(page);
    await press(page, 'Rotate the secret');
    await page.getByText('The secret was rotated.').waitFor();
    secrets.push(sandbox.clientSecret);
    await press(page, 'Revoke all tokens');
    await callsGoOn(page);

    const answers = ['/', '/page/page.js', '/page/timeline.js', '/page/page.css'].map(async (path) =>
      (await fetch(url + path)).text(),
    );
    const files = await Promise.all(answers);
    const events = await firstEvent(`${url}/page/events`);
    const screen = [await page.content(), await page.locator('body').innerText()];
    expect(JSON.parse(events.slice(events.indexOf('{')))).toMatchObject({ health: { status: 'up' } });
    expectNoSecrets([files, events, screen], [...secrets, ...sandbox.issuedTokens], {
      clientId: sandbox.clientId,
    });
  });
});

/** What is sent before anything changes. */
async function firstEvent(url: string): Promise<string> {
  const end = new AbortController();
  const { body } = await fetch(url, { signal: end.signal });
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    if (text.includes('}\n\n')) break;
  }
  end.abort();
  return text;
}

describe('Another site in the visitor’s browser', () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const BODY = JSON.stringify({ action: 'revoke' });

  it('cannot press the buttons: they ask for JSON from the page’s own origin', async () => {
    const { url } = await startDemo();
    const post = (headers: Record<string, string>, body = BODY): Promise<number> =>
      statusOf(`${url}/page/actions`, 'POST', headers, body);
    expect(await post({ ...JSON_TYPE, origin: url })).toBe(204);
    expect(await post({ ...JSON_TYPE, origin: 'http://127.0.0.1:1' })).toBe(403);
    expect(await post({ ...JSON_TYPE, origin: 'null' })).toBe(403);
    expect(await post({ 'content-type': 'text/plain', origin: url })).toBe(415);
    expect(await post({ ...JSON_TYPE, origin: url }, JSON.stringify({ action: 'constructor' }))).toBe(400);
  });

  it('cannot reach it under a name that it has resolve to this machine', async () => {
    const { url } = await startDemo();
    const { port } = new URL(url);
    for (const path of ['/', '/page/page.js', '/page/events']) {
      expect(await statusOf(url + path, 'GET', { host: `evil.example:${port}` })).toBe(403);
      expect(await statusOf(url + path, 'GET', { host: `localhost:${port}` })).toBe(200);
      expect(await statusOf(url + path, 'HEAD', { host: `localhost:${port}` })).toBe(200);
    }
    const host = `evil.example:${port}`;
    const headers = { ...JSON_TYPE, host, origin: `http://${host}` };
    expect(await statusOf(`${url}/page/actions`, 'POST', headers, BODY)).toBe(403);
  });

  it('neither presses a button nor reads the events, nor puts the page in a frame', async () => {
    const { url, sandbox } = await startDemo();
    const other = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<h1>Another site</h1>');
    });
    const { page } = await openPage(`http://${await listening(other)}`);
    const outcome = await page.evaluate(async (demo) => {
      const body = JSON.stringify({ action: 'rotate-secret' });
      // What a form of that site could send.
      const form = new URLSearchParams({ action: 'rotate-secret' });
      const blind = await fetch(`${demo}/page/actions`, { method: 'POST', mode: 'no-cors', body: form });
      const asJson = await fetch(`${demo}/page/actions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      }).catch(() => 'refused');
      const events = await fetch(`${demo}/page/events`).catch(() => 'refused');
      return [blind.type, asJson, events];
    }, url);
    expect(outcome).toEqual(['opaque', 'refused', 'refused']);
    expect(sandbox.clientSecret).toBe(process.env.ASSET_CLIENT_SECRET);
    expect((await fetch(url)).headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });
});

describe('npm start', () => {
  it('prints the address of the page first, and ends on SIGTERM though the page is open and calls', async () => {
    const sample = new SampleProcess({ PORT: '0' });
    await sample.welcome();
    const [, address] = /^Open (\S+) in a browser/m.exec(sample.output)!;
    expect(sample.output.indexOf('Open http://')).toBeLessThan(
      sample.output.indexOf('The sample application'),
    );
    const { page, problems } = await openPage(address!);
    await press(page, 'Keep calling');
    await callsGoOn(page);
    expect(problems).toEqual([]);
    expect(await sample.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await page.getByText('The application has ended.').waitFor();
  });

  it('has no page, and no button, where the application talks to Asset', async () => {
    const sandbox = await startSandbox();
    const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
    const sample = new SampleProcess({
      PORT: '0',
      ASSET_BASE_URL: baseUrl,
      ASSET_CLIENT_ID: clientId,
      ASSET_CLIENT_SECRET: clientSecret,
    });
    const [, url] = /listens on (\S+)/.exec(await sample.welcome())!;
    expect(sample.output).not.toContain('in a browser');
    for (const path of ['/', '/page/page.js', '/page/events', '/page/actions']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
    const body = JSON.stringify({ action: 'revoke' });
    const headers = { 'content-type': 'application/json', origin: url! };
    expect((await fetch(`${url}/page/actions`, { method: 'POST', body, headers })).status).toBe(404);
    expect((await fetch(`${url}/businesses`)).status).toBe(200);
  });
});
