import { Logger } from '@nestjs/common';
import { type RunningApplication, startApplication } from './application.js';
import { failureOf } from './failure-of.js';
import { expectNothingLetOut } from './no-secrets.js';
import { startSandbox } from './sandbox.js';
import { rejectionOf } from './token-time.js';

/** What is found in a test that has done this with its application. */
async function foundAfter(act: (application: RunningApplication) => unknown): Promise<string> {
  const application = await startApplication();
  await act(application);
  try {
    expectNothingLetOut();
  } catch (error) {
    return (error as Error).message;
  }
  return 'nothing';
}

const issue = async (application: RunningApplication): Promise<string> =>
  (await application.tokens.getAccessToken()).value;

describe('secrets are looked for after each test', () => {
  it('in what a call failed with', async () => {
    const found = await foundAfter(({ sandbox }) =>
      failureOf(Promise.reject(new Error(`wrong: ${sandbox.clientSecret}`))),
    );
    expect(found).toContain('value.caught[0].message: secret 1, raw');
  });

  it('in what a promise rejected with, were it a token that was issued only then', async () => {
    const found = await foundAfter(async (application) => {
      const error = new Error('x', { cause: {} });
      await rejectionOf(Promise.reject(error));
      Object.assign(error.cause as object, { header: `Bearer ${await issue(application)}` });
    });
    expect(found).toContain('value.caught[0].cause.header');
  });

  it.each(['log', 'error', 'warn', 'debug', 'verbose', 'fatal'] as const)(
    'in what is logged at the level %s',
    async (level) => {
      const found = await foundAfter(async (application) => {
        const value = await issue(application);
        new Logger('Test')[level]('careless', { deep: { down: { in: [value] } } });
      });
      expect(found).toContain('.deep.down.in[0]');
    },
  );

  it('also after the sandbox was given another', async () => {
    const found = await foundAfter(async () => {
      const sandbox = await startSandbox();
      const old = sandbox.clientSecret;
      sandbox.rotateSecret();
      new Logger('Test').log(old);
    });
    expect(found).toContain('value.logged');
  });

  it('but not in the words of the server, or behind the stream that it answers with', async () => {
    const found = await foundAfter(async ({ asset, tokens, sandbox }) => {
      const { value } = await tokens.getAccessToken();
      sandbox.fail('api', { status: 403, headers: { 'x-quoted': value } });
      await failureOf(asset.get('/v0/business', { responseType: 'stream' }));
    });
    expect(found).toBe('nothing');
  });

  it('and there are none in an application that keeps them to itself', async () => {
    const found = await foundAfter(async ({ asset, sandbox }) => {
      sandbox.rejectTokens(5);
      await failureOf(asset.get('/v0/business'));
    });
    expect(found).toBe('nothing');
  });
});
