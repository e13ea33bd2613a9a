import { expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { ClientSecret } from '../../../../lib/token/endpoint/client-secret.js';
import {
  AssetClosedError,
  type TokenRequestFailure,
  tokenRequestFailure,
} from '../../../../lib/token/endpoint/token.errors.js';
import { CLIENT, configOf, failureIn, failureOf, requestFor, SECRET } from './token-endpoint.fixture.js';

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

  it.each([
    ['throws', () => Promise.reject(new Error('vault is sealed'))],
    ['returns nothing', () => undefined],
    ['returns what is no secret', () => 'with a line break\n'],
  ])('T99 is the last good one while its function %s', async (_name, broken) => {
    let isBroken = false;
    const secret = secretOf(() => (isBroken ? broken() : SECRET));
    expect(await read(secret)).toBe(SECRET);
    isBroken = true;
    expect(await read(secret)).toBe(SECRET);
  });

  it('T99 is the last good one while its function hangs, after half of the time', async () => {
    const clock = new ManualClock();
    let hangs = false;
    const secret = secretOf(() => (hangs ? new Promise(() => {}) : SECRET), clock);
    await read(secret);
    hangs = true;
    const reading = read(secret);
    await clock.advance(5000);
    expect(await reading).toBe(SECRET);
    hangs = false;
    expect(await read(secret)).toBe(SECRET);
  });

  it('T99 is read once for all that ask at the same time, and anew after a rejection', async () => {
    const answers: ((secret: string) => void)[] = [];
    const secret = secretOf(() => new Promise<string>((resolve) => answers.push(resolve)));
    const readings = Array.from({ length: 200 }, () => read(secret));
    const anew = secret.readAnew(request, new AbortController().signal);
    expect(answers).toHaveLength(2);
    answers[0]!('first-secret');
    answers[1]!('second-secret');
    expect(new Set(await Promise.all(readings))).toEqual(new Set(['first-secret']));
    expect(await anew).toBe('second-secret');
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
  const answered = (scopes: readonly string[] = ['ledger:read']): TokenRequestFailure =>
    tokenRequestFailure({ request: requestFor({ scopes }), config: CLIENT }, 'ASSET_CREDENTIALS_REJECTED', {
      what: 'the endpoint answered 401.',
      status: 401,
      fault: 'endpoint',
    });

  /** What follows when the endpoint rejects the secret that is sent now, or was before. */
  const reject = (
    secret: ClientSecret,
    scopes?: readonly string[],
    { isKnown = true, rejectionBefore = secret.admit(SECRET, request, isKnown) } = {},
  ): TokenRequestFailure =>
    secret.rejected({
      clientSecret: SECRET,
      failure: answered(scopes),
      request: requestFor({ scopes: scopes ?? ['ledger:read'] }),
      isKnown,
      rejectionBefore,
    });
  const isRefused = (secret: ClientSecret, isKnown: boolean): boolean => {
    try {
      secret.admit(SECRET, request, isKnown);
      return false;
    } catch {
      return true;
    }
  };

  it('T42 T94 is tried again once after 1, 10, 60 and then each 300 s', async () => {
    const clock = new ManualClock();
    const secret = secretOf(SECRET, clock);
    reject(secret);
    for (const seconds of [1, 10, 60, 300, 300]) {
      await clock.advance(seconds * 1000 - 1);
      expect(isRefused(secret, true)).toBe(true);
      await clock.advance(1);
      reject(secret);
      expect(isRefused(secret, true)).toBe(true);
    }
  });

  it('T121 that brought tokens is not to blame for what one newcomer meets, and is for a second or a known key', () => {
    const secret = secretOf(() => SECRET);
    secret.accepted(SECRET);
    expect(reject(secret, ['first'], { isKnown: false })).toMatchObject({ fault: 'request' });
    expect(reject(secret, ['first'], { isKnown: false })).toMatchObject({ fault: 'request' });
    expect([isRefused(secret, false), isRefused(secret, true)]).toEqual([false, false]);
    expect(reject(secret, ['second'], { isKnown: false })).toMatchObject({ fault: 'endpoint' });
    expect([isRefused(secret, false), isRefused(secret, true)]).toEqual([true, false]);
    expect(reject(secret, ['known'])).toMatchObject({ fault: 'endpoint' });
    expect([isRefused(secret, false), isRefused(secret, true)]).toEqual([true, true]);
    secret.accepted(SECRET);
    expect([isRefused(secret, false), isRefused(secret, true)]).toEqual([false, false]);
  });

  it('T121 that never brought a token is to blame at once', () => {
    const secret = secretOf(() => SECRET);
    expect(reject(secret, ['first'], { isKnown: false })).toMatchObject({ fault: 'endpoint' });
    expect(isRefused(secret, true)).toBe(true);
  });

  it('T42 is told to each caller for what it asked itself', () => {
    const secret = secretOf(SECRET);
    reject(secret, ['report:read']);
    const { error, fault } = failureIn(() => {
      secret.admit(SECRET, request, true);
    });
    expect(fault).toBe('endpoint');
    expect(error).toMatchObject({ code: 'ASSET_CREDENTIALS_REJECTED', status: 401, scopes: ['ledger:read'] });
    expect(error.message).toContain('was not sent again');
    expectNoSecrets(error, SECRET);
  });

  it('T42 orders everybody to wait for its probe if it cannot change', () => {
    const secret = secretOf(SECRET);
    expect(reject(secret)).toMatchObject({
      fault: 'endpoint',
      orderedWaitMs: 1000,
    });
    expect(
      failureIn(() => {
        secret.admit(SECRET, request, true);
      }).orderedWaitMs,
    ).toBe(1000);
  });

  it('T42 does not put its probe off when a request that was under way is rejected as well', async () => {
    const clock = new ManualClock();
    const secret = secretOf(SECRET, clock);
    const rejectionBefore = secret.admit(SECRET, request, true);
    reject(secret);
    await clock.advance(999);
    expect(
      secret.rejected({ clientSecret: SECRET, failure: answered(), request, isKnown: true, rejectionBefore }),
    ).toMatchObject({
      orderedWaitMs: 1,
    });
    await clock.advance(1);
    secret.admit(SECRET, request, true);
  });

  it('T84 orders no wait if it may change', () => {
    const secret = secretOf(() => SECRET);
    expect(reject(secret).orderedWaitMs).toBeUndefined();
  });

  it('T84 makes way for another one at once', () => {
    const secret = secretOf(() => SECRET);
    reject(secret);
    secret.admit('another-secret', request, true);
  });

  it('T84 is forgotten once one was accepted', () => {
    const secret = secretOf(() => SECRET);
    reject(secret);
    secret.accepted(SECRET);
    secret.admit(SECRET, request, true);
  });
});
