import { createServer } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { AppModule } from '../../../sample-app/app.module.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { listening } from '../../support/listening.js';
import { redisOfThisTest } from '../../support/redis-of-test.js';
import { startSandbox } from '../../support/sandbox.js';
import { SampleProcess } from './sample-process.fixture.js';

const KEY = Buffer.alloc(32, 'sample').toString('base64');

/** Calls what lists the businesses, and answers what is known of its token. */
async function tokenAfterCall(welcome: string): Promise<unknown> {
  const [, url] = /listens on (\S+)/.exec(welcome)!;
  expect((await fetch(`${url}/businesses`)).status).toBe(200);
  const tokens = (await (await fetch(`${url}/tokens`)).json()) as readonly { readonly scopes: string[] }[];
  return tokens.find(({ scopes }) => scopes.join() === 'business:read');
}

async function statusOfPage(welcome: string): Promise<number> {
  const [, url] = /listens on (\S+)/.exec(welcome)!;
  return (await fetch(url!)).status;
}

it('T69 two sample applications on one Redis talk to one sandbox, and ask it for one token', async () => {
  const variables = {
    PORT: '0',
    REDIS_URL: await redisOfThisTest(),
    SANDBOX_PORT: String(await freePort()),
  };
  const first = new SampleProcess(variables);
  const firstWelcome = await first.welcome();
  expect(firstWelcome).toContain('It talks to a sandbox inside this process.');
  expect(firstWelcome).toContain('Start another one beside it: PORT=3001 REDIS_URL=… npm start');
  expect(await tokenAfterCall(firstWelcome)).toMatchObject({ state: 'fresh', shared: false });
  expect(await statusOfPage(firstWelcome)).toBe(200);

  const second = new SampleProcess(variables);
  const secondWelcome = await second.welcome();
  expect(secondWelcome).toContain(
    `It talks to the sandbox of the application started first, at http://127.0.0.1:${variables.SANDBOX_PORT}. Keep that one running.`,
  );
  expect(await tokenAfterCall(secondWelcome)).toMatchObject({ state: 'fresh', shared: true });
  // Its page would break a sandbox that is out of its reach.
  expect(await statusOfPage(secondWelcome)).toBe(404);
  expect(second.output).not.toContain('in a browser');
  expect(second.output).toContain('access token of another process for scopes business:read');

  expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
});

it('T69 two sample applications with an account of their own ask for one token, with keys of their own', async () => {
  const sandbox = await startSandbox();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  const variables = {
    PORT: '0',
    REDIS_URL: await redisOfThisTest(),
    ASSET_BASE_URL: baseUrl,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
    ASSET_STORE_KEYS: KEY,
  };
  const samples = [new SampleProcess(variables), new SampleProcess(variables)];
  const welcomes = await Promise.all(samples.map((sample) => sample.welcome()));
  const tokens = await Promise.all(welcomes.map(tokenAfterCall));
  expect(tokens.map((token) => (token as { shared: boolean }).shared).sort()).toEqual([false, true]);
  // The job of the sample asks for other tokens, should the minute be over.
  const asked = sandbox.tokenRequests.filter(({ form }) => form.scope === 'business:read');
  expect(asked).toHaveLength(1);
  for (const { output } of samples) {
    expectNoSecrets(output, [KEY, clientSecret, ...sandbox.issuedTokens], { clientId });
  }
});

it('has no key for an account of your own: it says how to make one, and does not start', async () => {
  const sample = new SampleProcess({
    PORT: '0',
    REDIS_URL: await redisOfThisTest(),
    ASSET_ENVIRONMENT: 'sandbox',
    ASSET_CLIENT_ID: 'my-client',
    ASSET_CLIENT_SECRET: 'my-secret',
  });
  expect(await sample.exit).toEqual({ code: 1, signal: null });
  expect(sample.output).toMatch(
    /storeKeys \(ASSET_STORE_KEYS\): is missing, .* Make a key with: openssl rand -base64 32\n$/,
  );
});

it('says that the port of the sandbox is taken by something else', async () => {
  const other = createServer((_request, response) => response.end('ok'));
  const port = Number((await listening(other)).split(':')[1]);
  const sample = new SampleProcess({ PORT: '0', REDIS_URL: 'redis://127.0.0.1', SANDBOX_PORT: String(port) });
  expect(await sample.exit).toEqual({ code: 1, signal: null });
  expect(sample.output).toBe(
    `Port ${port} is taken by something other than a sandbox. Choose another one for all: SANDBOX_PORT=${port + 1} REDIS_URL=… npm start\n`,
  );
});

it('starts without Redis, and answers with a token of its own', async () => {
  const sample = new SampleProcess({
    PORT: '0',
    REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    SANDBOX_PORT: String(await freePort()),
  });
  expect(await tokenAfterCall(await sample.welcome())).toMatchObject({ state: 'fresh', shared: false });
  expect(sample.output).toMatch(
    /WARN.*The token store is out of use, and this process fetches its own tokens/,
  );
  expect(await sample.stop('SIGTERM')).toEqual({ code: 0, signal: null });
});

it('closes its connection to Redis with the application', async () => {
  const url = await redisOfThisTest();
  const sandbox = await startSandbox();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  const variables = {
    REDIS_URL: url,
    ASSET_BASE_URL: baseUrl,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
    ASSET_STORE_KEYS: KEY,
  };
  Object.assign(process.env, variables);
  afterThisTest(() => {
    for (const name of Object.keys(variables)) Reflect.deleteProperty(process.env, name);
  });
  const observer = new Redis(url);
  afterThisTest(() => {
    observer.disconnect();
  });
  const connections = async (): Promise<number> =>
    String(await observer.call('CLIENT', 'LIST'))
      .trim()
      .split('\n').length;
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  await app.init();
  expect(await connections()).toBe(2);
  await app.close();
  await eventually(async () => (await connections()) === 1);
});
