import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { ClientSecret } from '../../../../lib/token/endpoint/client-secret.js';
import {
  AssetClosedError,
  type AssetTokenError,
  tokenRequestFailure,
} from '../../../../lib/token/endpoint/token.errors.js';
import { configOf, failureIn, failureOf, requestFor, SECRET } from './token-endpoint.fixture.js';

const FIVE_MINUTES = 300_000;
const request = requestFor({ scopes: ['ledger:read'] });

const secretOf = (clientSecret: unknown, clock = new ManualClock()): ClientSecret =>
  new ClientSecret(configOf({ clientSecret: clientSecret as string }), clock);

const read = (secret: ClientSecret, signal = new AbortController().signal): Promise<string> =>
  secret.read(request, signal);

describe('The client secret', () => {
  it('is the one of the options', async () => {
    expect(await read(secretOf(SECRET))).toBe(SECRET);
  });

  it('T84 is read anew each time when it is a function, sync or async', async () => {
    let reads = 0;
    const sync = secretOf(() => `secret-${(reads += 1)}`);
    expect([await read(sync), await read(sync)]).toEqual(['secret-1', 'secret-2']);
    expect(await read(secretOf(() => Promise.resolve(SECRET)))).toBe(SECRET);
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['an empty string', ''],
    ['blanks', '  '],
    ['a list', ['s3cret-value']],
    ['a promise of an object', Promise.resolve({ value: 's3cret-value' })],
    ['a line break at the end', 's3cret-value\n'],
    ['a character that nobody sees', 's3cret-\u200bvalue'],
  ])(
    'is unreadable, which is the fault of all requests, when the function returns %s',
    async (_name, value) => {
      const { error, ...failed } = await failureOf(() => read(secretOf(() => value)));
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
      expect(error.message).toContain('Nothing was sent');
      expect(failed).toEqual({ fault: 'endpoint', orderedWaitMs: undefined });
      expectNoSecrets(error, ['s3cret-value', 's3cret-\u200bvalue']);
    },
  );

  it.each([
    [
      'throws',
      () => {
        throw new Error('vault is sealed');
      },
    ],
    ['rejects', () => Promise.reject(new Error('vault is sealed'))],
  ])('T39 is unreadable when the function %s, and the error says why', async (_name, clientSecret) => {
    const { error, fault } = await failureOf(() => read(secretOf(clientSecret)));
    expect(error.message).toContain('it threw "vault is sealed"');
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', timedOut: false });
    expect(fault).toBe('endpoint');
    expect(error.cause).toBeUndefined();
  });

  it.each([undefined, null, 5, Symbol('s'), Object.create(null)])(
    'is unreadable when the function throws %p',
    async (thrown) => {
      const secret = secretOf(() => {
        throw thrown;
      });
      expect((await failureOf(() => read(secret))).error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
    },
  );

  it('T54 is not repeated by the error of a function that fails later', async () => {
    let broken = false;
    const secret = secretOf(() => {
      if (broken) throw new Error(`could not renew ${SECRET}`);
      return SECRET;
    });
    await read(secret);
    broken = true;
    const { error } = await failureOf(() => read(secret));
    expect(error.message).toContain('could not renew [redacted]');
    expectNoSecrets(error, SECRET);
  });

  it('T54 is not repeated by the error of a parser, which has not been read yet', async () => {
    const { error } = await failureOf(() => read(secretOf(() => String(JSON.parse('hunter2-hunter2')))));
    expectNoSecrets(error, 'hunter2-hunter2');
    expect(error.message).toContain('SyntaxError');
  });

  it('is unreadable when the function gives nothing before the deadline', async () => {
    const deadline = new AbortController();
    const reading = read(
      secretOf(() => new Promise(() => {})),
      deadline.signal,
    );
    deadline.abort(new Error('deadline'));
    const { error, fault } = await failureOf(() => reading);
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true, timedOut: true });
    expect(error.message).toContain('within tokenTimeoutMs. Nothing was sent');
    expect(fault).toBe('endpoint');
  });

  it('T51 is waited for no longer once the client is closed', async () => {
    const end = new AbortController();
    const reading = read(
      secretOf(() => new Promise(() => {})),
      end.signal,
    );
    const closed = new AssetClosedError();
    end.abort(closed);
    await expect(reading).rejects.toBe(closed);
  });

  it('is not read for a request whose time is over', async () => {
    let reads = 0;
    const reason = new Error('deadline');
    const secret = secretOf(() => `secret-${(reads += 1)}`);
    await expect(read(secret, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(reads).toBe(0);
  });
});

describe('A client secret that was rejected', () => {
  const answered = (scopes: readonly string[] = ['ledger:read']): AssetTokenError =>
    tokenRequestFailure(
      { request: requestFor({ scopes }), environment: 'sandbox' },
      'ASSET_CREDENTIALS_REJECTED',
      { what: 'the endpoint answered 401.', status: 401, fault: 'endpoint' },
    ).error;

  it('T42 is not tried again for five minutes, and then once', async () => {
    const clock = new ManualClock();
    const secret = secretOf(SECRET, clock);
    secret.assertUntried(SECRET, request);
    secret.rejected(SECRET, answered());
    await clock.advance(FIVE_MINUTES - 1);
    failureIn(() => {
      secret.assertUntried(SECRET, request);
    });
    await clock.advance(1);
    secret.assertUntried(SECRET, request);
    failureIn(() => {
      secret.assertUntried(SECRET, request);
    });
  });

  it('T42 is told to each caller for what it asked itself', () => {
    const secret = secretOf(SECRET);
    secret.rejected(SECRET, answered(['report:read']));
    const { error, fault } = failureIn(() => {
      secret.assertUntried(SECRET, request);
    });
    expect(fault).toBe('endpoint');
    expect(error).toMatchObject({ code: 'ASSET_CREDENTIALS_REJECTED', status: 401, scopes: ['ledger:read'] });
    expect(error.message).toContain('was not sent again');
    expectNoSecrets(error, SECRET);
  });

  it('T42 orders everybody to wait for five minutes if it cannot change', () => {
    const secret = secretOf(SECRET);
    expect(secret.rejected(SECRET, answered())).toMatchObject({
      fault: 'endpoint',
      orderedWaitMs: FIVE_MINUTES,
    });
    expect(
      failureIn(() => {
        secret.assertUntried(SECRET, request);
      }).orderedWaitMs,
    ).toBe(FIVE_MINUTES);
  });

  it('T42 does not put its probe off when a request that was under way is rejected as well', async () => {
    const clock = new ManualClock();
    const secret = secretOf(SECRET, clock);
    secret.rejected(SECRET, answered());
    await clock.advance(1000);
    secret.rejected(SECRET, answered());
    await clock.advance(FIVE_MINUTES - 1000);
    secret.assertUntried(SECRET, request);
  });

  it('T84 orders no wait if it may change', () => {
    const secret = secretOf(() => SECRET);
    expect(secret.rejected(SECRET, answered()).orderedWaitMs).toBeUndefined();
  });

  it('T84 makes way for another one at once', () => {
    const secret = secretOf(() => SECRET);
    secret.rejected(SECRET, answered());
    secret.assertUntried('another-secret', request);
  });

  it('T84 is forgotten once one was accepted', () => {
    const secret = secretOf(() => SECRET);
    secret.rejected(SECRET, answered());
    secret.accepted();
    secret.assertUntried(SECRET, request);
  });
});
