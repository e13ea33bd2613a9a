import { failureOf } from '../../support/failure-of.js';
import { throughAttempts } from '../../support/through-attempts.js';
import type { StoreFault } from '../../support/store-faults.js';
import { settled, startFleet } from './fleet.fixture.js';

/** What resolves when it is awaited, and is no promise otherwise. */
const thenable = (value: unknown): unknown => ({
  then: (resolve: (value: unknown) => void) => {
    resolve(value);
  },
});

/** What a store does that keeps to nothing. */
const ODD: readonly (readonly [string, StoreFault])[] = [
  ['throws at once', { throw: new Error('wrong connection') }],
  ['rejects with undefined', { reject: undefined }],
  ['rejects with a trap', { reject: trap() }],
  ['answers undefined without a promise', { returns: undefined }],
  ['answers with a thenable', { returns: thenable('OK') }],
  [
    'answers with a thenable that throws',
    {
      returns: {
        then: () => {
          throw new Error('no');
        },
      },
    },
  ],
  ['answers null', { returns: Promise.resolve(null) }],
  ['answers a trap', { returns: Promise.resolve(trap()) }],
];

/** An object of which nothing can be read. It is no thenable, or else nobody could await it. */
function trap(): object {
  const get = (_target: object, name: string | symbol): unknown => {
    if (name === 'then') return undefined;
    throw new Error('trap');
  };
  return new Proxy({}, { get });
}

describe('T45 a store that keeps to nothing costs no caller its token', () => {
  let unhandled: unknown[] = [];
  const note = (reason: unknown): void => {
    unhandled.push(reason);
  };
  beforeEach(() => {
    unhandled = [];
    process.on('unhandledRejection', note);
  });
  afterEach(async () => {
    await settled();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  describe.each(ODD)('when it %s', (_what, fault) => {
    it.each(['get', 'set', 'add', 'delete'] as const)('at %s', async (operation) => {
      const fleet = await startFleet({ size: 1 });
      fleet.store.fail(fault, [operation]);
      const token = await fleet.one.tokens.getAccessToken();
      fleet.one.tokens.invalidate(token);
      await settled();
      fleet.sandbox.fail('token', { status: 400, body: { error: 'invalid_request' } });
      const failed = failureOf(fleet.one.tokens.getAccessToken({ scopes: 'report:read' }));
      expect((await throughAttempts(fleet.clock, failed)).code).toBe('ASSET_TOKEN_REQUEST_REJECTED');
      await fleet.one.app.close();
    });
  });
});
