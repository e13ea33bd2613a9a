import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { afterThisTest } from '../../support/cleanup.js';
import { startSandbox } from '../../support/sandbox.js';
import { PLAIN, SampleProcess } from './sample-process.fixture.js';

const urlsIn = (welcome: string): string[] =>
  [...welcome.matchAll(/^ {2}curl (.+)$/gm)].map(([, url]) => url!);

it.each(['SIGTERM', 'SIGINT'] as const)(
  'The built sample starts on a sandbox, answers the three commands that it prints, and ends on %s',
  async (signal) => {
    const sample = new SampleProcess({ PORT: '0' });
    const welcome = await sample.welcome();
    expect(welcome).toMatch(/^The sample application listens on http:\/\/127\.0\.0\.1:\d+$/m);
    expect(welcome).toMatch(/talks to a sandbox inside this process/);
    const urls = urlsIn(welcome);
    expect(urls).toHaveLength(3);
    for (const url of urls) {
      // Nothing that a shell would read differently.
      expect(url).toMatch(/^http:\/\/[\w.:/]+$/);
      const response = await fetch(url);
      expect([url, response.status]).toEqual([url, 200]);
    }
    expect(await sample.stop(signal)).toEqual({ code: 0, signal: null });
  },
);

it('talks to the environment that ASSET_* variables name, with narrow tokens, and prints no secret', async () => {
  const sandbox = await startSandbox();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  const sample = new SampleProcess({
    PORT: '0',
    ASSET_BASE_URL: baseUrl,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
    ASSET_BUSINESS_ID: sandbox.businesses[1]!.id,
  });
  const welcome = await sample.welcome();
  expect(welcome).toContain(`It talks to Asset at ${baseUrl}`);
  const [businesses, ledgers] = urlsIn(welcome);
  expect(ledgers).toContain(sandbox.businesses[1]!.id);
  const response = await fetch(businesses!);
  expect(await response.json()).toMatchObject({ data: sandbox.businesses });
  expect(sandbox.apiRequests.at(-1)?.claims).toMatchObject({
    scopes: ['business:read'],
    businessId: undefined,
  });
  expect(await sample.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  expectNoSecrets(sample.output, [sandbox.clientSecret, ...sandbox.issuedTokens], { clientId });
});

it('says which business to put in where it knows none', async () => {
  const sandbox = await startSandbox();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  const sample = new SampleProcess({
    PORT: '0',
    ASSET_BASE_URL: baseUrl,
    ASSET_CLIENT_ID: clientId,
    ASSET_CLIENT_SECRET: clientSecret,
  });
  const welcome = await sample.welcome();
  expect(welcome).toContain('Three commands to try, with an id from the first in place of biz_YourBusiness:');
  expect(urlsIn(welcome)[1]).toMatch(/\/businesses\/biz_YourBusiness\/ledgers$/);
});

it('runs without the demo around it, as an application of your own would', async () => {
  const sandbox = await startSandbox();
  const { baseUrl, clientId, clientSecret } = sandbox.moduleOptions();
  const sample = new SampleProcess(
    {
      PORT: '0',
      ASSET_BASE_URL: baseUrl,
      ASSET_CLIENT_ID: clientId,
      ASSET_CLIENT_SECRET: clientSecret,
    },
    PLAIN,
  );
  await sample.printed(/Listening on \S+\n/);
  const [, url] = /Listening on (\S+)/.exec(sample.output)!;
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const response = await fetch(`${url}/businesses`);
  expect(await response.json()).toMatchObject({ data: sandbox.businesses });
  expect(await sample.stop('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
});

describe('A start that cannot succeed ends with code 1 and one message', () => {
  /** All that is printed, once the process has ended by itself. */
  const failedStart = async (variables: Readonly<Record<string, string>>): Promise<string> => {
    const sample = new SampleProcess({ PORT: '0', ...variables });
    expect(await sample.exit).toEqual({ code: 1, signal: null });
    return sample.output;
  };

  it('when its port is busy', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    afterThisTest(() => other.close());
    const { port } = other.address() as AddressInfo;
    expect(await failedStart({ PORT: String(port) })).toBe(
      `Port ${port} is taken by another process. Choose another one: PORT=3001 npm start\n`,
    );
  });

  it.each(['', '3000x', '65536'])('when its port is %j', async (PORT) => {
    expect(await failedStart({ PORT })).toBe(
      `PORT must be a whole number from 0 to 65535, not ${JSON.stringify(PORT)}.\n`,
    );
  });

  it('when only some of the variables are set that name Asset', async () => {
    const output = await failedStart({ ASSET_CLIENT_SECRET: 'a-secret-of-some-length' });
    expect(output).toMatch(/^The options of AssetAuthModule cannot be used:\n( {2}- .*\n){2}$/);
    expect(output).toContain('clientId (ASSET_CLIENT_ID): is missing');
    expect(output).toContain('environment (ASSET_ENVIRONMENT): is missing');
    expectNoSecrets(output, 'a-secret-of-some-length');
  });

  it('when an option is wrong, with the sandbox started already', async () => {
    expect(await failedStart({ ASSET_TOKEN_TTL_SECONDS: 'abc' })).toBe(
      'The options of AssetAuthModule cannot be used:\n' +
        '  - tokenTtlSeconds (ASSET_TOKEN_TTL_SECONDS): must be a whole number of seconds from 1 to 315360000, not text\n',
    );
  });

  it('when the name of a variable is misspelled', async () => {
    const output = await failedStart({ ASSET_CLIENTID: 'my-client', ASSET_CLIENT_SECRET: 'my-secret' });
    expect(output).toMatch(/^No option is read from ASSET_CLIENTID\. Correct the name, or unset it\. .*\n$/);
  });
});
