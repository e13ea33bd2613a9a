import { expectNoSecrets } from 'nestjs-asset-auth/testing';
import { ClientSecretReader } from '../../../../lib/token/endpoint/client-secret.js';
import { type TokenOutcome, AssetClosedError } from '../../../../lib/token/endpoint/token.errors.js';
import { configOf, failureOf, requestFor, SECRET, tokenOf } from './token-endpoint.fixture.js';

const readerOf = (clientSecret: unknown): ClientSecretReader =>
  new ClientSecretReader(configOf({ clientSecret: clientSecret as string }));

const read = (
  reader: ClientSecretReader,
  signal = new AbortController().signal,
): Promise<TokenOutcome<string>> => reader.read(requestFor({ scopes: ['ledger:read'] }), signal);

describe('The client secret', () => {
  it('is the one of the options', async () => {
    expect(tokenOf(await read(readerOf(SECRET)))).toBe(SECRET);
  });

  it('T84 is read anew each time when it is a function, sync or async', async () => {
    let reads = 0;
    const sync = readerOf(() => `secret-${(reads += 1)}`);
    expect([tokenOf(await read(sync)), tokenOf(await read(sync))]).toEqual(['secret-1', 'secret-2']);
    expect(tokenOf(await read(readerOf(() => Promise.resolve(SECRET))))).toBe(SECRET);
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
      const { error, ...failed } = failureOf(await read(readerOf(() => value)));
      expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
      expect(error.message).toContain('Nothing was sent');
      expect(failed).toMatchObject({ blame: 'endpoint', unavailable: false, endpointIsWell: false });
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
    const { error, blame } = failureOf(await read(readerOf(clientSecret)));
    expect(error.message).toContain('it threw "vault is sealed"');
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', timedOut: false });
    expect(blame).toBe('endpoint');
    expect(error.cause).toBeUndefined();
  });

  it.each([undefined, null, 5, Symbol('s'), Object.create(null)])(
    'is unreadable when the function throws %p',
    async (thrown) => {
      const outcome = await read(
        readerOf(() => {
          throw thrown;
        }),
      );
      expect(failureOf(outcome).error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
    },
  );

  it('T54 is not repeated by the error of a function that fails later', async () => {
    let broken = false;
    const reader = readerOf(() => {
      if (broken) throw new Error(`could not renew ${SECRET}`);
      return SECRET;
    });
    await read(reader);
    broken = true;
    const { error } = failureOf(await read(reader));
    expect(error.message).toContain('could not renew [redacted]');
    expectNoSecrets(error, SECRET);
  });

  it('T54 is not repeated by the error of a parser, which has not been read yet', async () => {
    const { error } = failureOf(await read(readerOf(() => String(JSON.parse('hunter2-hunter2')))));
    expectNoSecrets(error, 'hunter2-hunter2');
    expect(error.message).toContain('SyntaxError');
  });

  it('is unreadable when the function gives nothing before the deadline', async () => {
    const deadline = new AbortController();
    const reading = read(
      readerOf(() => new Promise(() => {})),
      deadline.signal,
    );
    deadline.abort(new Error('deadline'));
    const { error, blame } = failureOf(await reading);
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true, timedOut: true });
    expect(error.message).toContain('within tokenTimeoutMs. Nothing was sent');
    expect(blame).toBe('endpoint');
  });

  it('T51 is waited for no longer once the client is closed', async () => {
    const end = new AbortController();
    const reading = read(
      readerOf(() => new Promise(() => {})),
      end.signal,
    );
    const closed = new AssetClosedError();
    end.abort(closed);
    await expect(reading).rejects.toBe(closed);
  });

  it('is not read for a request whose time is over', async () => {
    let reads = 0;
    const reason = new Error('deadline');
    const reader = readerOf(() => `secret-${(reads += 1)}`);
    await expect(read(reader, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(reads).toBe(0);
  });
});
