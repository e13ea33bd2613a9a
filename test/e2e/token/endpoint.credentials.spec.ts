import { type AssetSandbox, expectNoSecrets, ManualClock } from 'nestjs-asset-auth/testing';
import { startApplication } from '../../support/application.js';
import { startSandbox } from '../../support/sandbox.js';
import { rejectionOf } from '../../support/token-time.js';
import { clientOf, type EndpointClient, failureOf, startServer } from './endpoint.fixture.js';

const FIVE_MINUTES = 300_000;
const READ = { scopes: ['ledger:read'] };
const WRONG = ['wr0ng-secret-1', 'wr0ng-secret-2'] as const;

interface Rotating {
  readonly sandbox: AssetSandbox;
  readonly clock: ManualClock;
  readonly client: EndpointClient;
  /** What the secret function returns from now on; by default, what is given to the client. */
  secret: string;
  reads: number;
}

/** A client whose secret comes from a function. */
async function rotating(secret?: string): Promise<Rotating> {
  const clock = new ManualClock();
  const sandbox = await startSandbox({ clock });
  const clientSecret = (): string => {
    state.reads += 1;
    return state.secret;
  };
  const client = clientOf({ ...sandbox.moduleOptions(), clientSecret }, clock);
  const state: Rotating = { sandbox, clock, client, secret: secret ?? sandbox.clientSecret, reads: 0 };
  return state;
}

const rejected = (client: EndpointClient, scopes: readonly string[] = ['ledger:read']) =>
  failureOf(client.fetch({ scopes }), WRONG);

describe('Credentials that are rejected', () => {
  it('T42 T94 are not sent again but for probes after 1, 10, 60 and then each 300 s, whatever is asked for', async () => {
    const { sandbox, clock, client } = await rotating(WRONG[0]);
    for (let i = 0; i < 10; i += 1) {
      const { error, fault } = await rejected(client, [`scope:${i}`]);
      expect(error).toMatchObject({ code: 'ASSET_CREDENTIALS_REJECTED', retryable: false, status: 401 });
      expect(fault).toBe('endpoint');
    }
    expect(sandbox.tokenRequests).toHaveLength(1);
    for (const [i, seconds] of [1, 10, 60, 300, 300].entries()) {
      await clock.advance(seconds * 1000 - 1);
      await rejected(client);
      expect(sandbox.tokenRequests).toHaveLength(i + 1);
      await clock.advance(1);
      for (let n = 0; n < 10; n += 1) await rejected(client);
      expect(sandbox.tokenRequests).toHaveLength(i + 2);
    }
  });

  it('T42 are sent by one request only when the pause is over, however many wait for it', async () => {
    const { sandbox, clock, client } = await rotating(WRONG[0]);
    await rejected(client);
    await clock.advance(FIVE_MINUTES);
    await Promise.all(Array.from({ length: 10 }, (_, index) => rejected(client, [`scope:${index}`])));
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T42 are tried again in time although another request was under way with them', async () => {
    const { tokens, sandbox, clock } = await startApplication();
    sandbox.fail('token', { status: 401 }, 3);
    const hold = sandbox.hold('token');
    const both = ['ledger:read', 'report:read'].map((scope) =>
      rejectionOf(tokens.getAccessToken({ scopes: [scope] })),
    );
    await sandbox.waitForRequest('token', { count: 2 });
    hold.release(1);
    await Promise.race(both);
    await clock.advance(1000);
    hold.release();
    await Promise.all(both);
    await rejectionOf(tokens.getAccessToken(READ));
    expect(sandbox.tokenRequests).toHaveLength(3);

    await clock.advance(9999);
    await rejectionOf(tokens.getAccessToken(READ));
    expect(sandbox.tokenRequests).toHaveLength(3);
    await clock.advance(1);
    await expect(tokens.getAccessToken(READ)).resolves.toBeDefined();
  });

  it('T42 are not sent again although the place that they are read from fails by turns', async () => {
    const clock = new ManualClock();
    const sandbox = await startSandbox({ clock });
    let reads = 0;
    const clientSecret = (): string => {
      reads += 1;
      if (reads % 2 === 0) throw new Error('throttled');
      return WRONG[0];
    };
    const client = clientOf({ ...sandbox.moduleOptions(), clientSecret }, clock);
    for (let i = 0; i < 10; i += 1) {
      await failureOf(client.fetch(), WRONG);
      await clock.advance(20_000);
    }
    expect(reads).toBeGreaterThan(10);
    // At once, and as the probes after 1, 10 and 60 s.
    expect(sandbox.tokenRequests).toHaveLength(4);
  });

  it('T42 are told to each caller for what it asked itself', async () => {
    const { client } = await rotating(WRONG[0]);
    await rejected(client, ['ledger:read']);
    const { error } = await rejected(client, ['report:read']);
    expect(error.scopes).toEqual(['report:read']);
    expect(error.message).toContain('No access token for scopes report:read');
    expect(error.message).toContain('was not sent again');
    expect(error.message).not.toContain('ledger:read');
  });

  it('T42 of an option that cannot change are not sent again either', async () => {
    const clock = new ManualClock();
    const sandbox = await startSandbox({ clock });
    const client = clientOf({ ...sandbox.moduleOptions(), clientSecret: WRONG[0] }, clock);
    await rejected(client);
    await rejected(client);
    expect(sandbox.tokenRequests).toHaveLength(1);
    await clock.advance(FIVE_MINUTES);
    await rejected(client);
    expect(sandbox.tokenRequests).toHaveLength(2);
  });

  it('T84 are read again, and the new ones tried at once', async () => {
    const state = await rotating();
    await state.client.fetch();
    const next = state.sandbox.rotateSecret();
    let reads = 0;
    const old = state.secret;
    Object.defineProperty(state, 'secret', { get: () => ((reads += 1) === 1 ? old : next) });
    await state.client.fetch();
    expect(reads).toBe(2);
    expect(state.sandbox.tokenRequests.map(({ secretWasCorrect }) => secretWasCorrect)).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('T84 are read again, and if they did not change, not sent again', async () => {
    const state = await rotating(WRONG[0]);
    await rejected(state.client);
    expect(state.reads).toBe(2);
    expect(state.sandbox.tokenRequests).toHaveLength(1);
  });

  it('T84 are tried twice at most, if the new ones are rejected as well', async () => {
    const state = await rotating(WRONG[0]);
    let reads = 0;
    Object.defineProperty(state, 'secret', { get: () => WRONG[Math.min((reads += 1), 2) - 1] });
    expect((await rejected(state.client)).error.code).toBe('ASSET_CREDENTIALS_REJECTED');
    expect(state.sandbox.tokenRequests).toHaveLength(2);
    await rejected(state.client);
    expect(state.sandbox.tokenRequests).toHaveLength(2);
  });

  it('T84 make way at once for new ones, within the five minutes', async () => {
    const state = await rotating(WRONG[0]);
    await rejected(state.client);
    state.secret = state.sandbox.clientSecret;
    await state.client.fetch();
    expect(state.sandbox.tokenRequests).toHaveLength(2);
  });

  it('T84 are forgotten as soon as a token comes', async () => {
    const state = await rotating(WRONG[0]);
    await rejected(state.client);
    state.secret = state.sandbox.clientSecret;
    await state.client.fetch();
    // Put into force again, as after a rotation that was taken back.
    state.secret = state.sandbox.rotateSecret(WRONG[0]);
    await state.client.fetch();
    expect(state.sandbox.tokenRequests.map(({ authorized }) => authorized)).toEqual([false, true, true]);
  });

  it('are forgotten as soon as they are accepted, although the token is not', async () => {
    const clock = new ManualClock();
    const answers: [number, object][] = [
      [401, {}],
      [200, { access_token: 'issued-token', expires_in: 0 }],
      [200, { access_token: 'issued-token', expires_in: 3600 }],
    ];
    const { url } = await startServer((_request, response) => {
      const [status, body] = answers.shift()!;
      response.writeHead(status).end(JSON.stringify(body));
    });
    const client = clientOf({ baseUrl: url }, clock);
    expect((await failureOf(client.fetch())).error.code).toBe('ASSET_CREDENTIALS_REJECTED');
    await clock.advance(FIVE_MINUTES);
    expect((await failureOf(client.fetch())).error.code).toBe('ASSET_TOKEN_MALFORMED');
    expect((await client.fetch()).value).toBe('issued-token');
  });

  it('are not what another refusal is about', async () => {
    const { sandbox, client } = await rotating();
    sandbox.fail('token', { status: 403 }, 2);
    const secrets = [sandbox.clientSecret];
    expect((await failureOf(client.fetch(), secrets)).error.code).toBe('ASSET_SCOPE_REJECTED');
    expect((await failureOf(client.fetch(), secrets)).error.code).toBe('ASSET_SCOPE_REJECTED');
    expect(sandbox.tokenRequests).toHaveLength(2);
  });
});

describe('A secret that cannot be read', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('vault is sealed');
      },
    ],
    ['rejects', () => Promise.reject(new Error('vault is sealed'))],
    ['returns nothing', () => undefined],
    ['returns an empty string', () => ''],
    ['returns an object', () => ({ secret: 's3cret-value' })],
  ])('sends nothing when its function %s', async (_name, clientSecret) => {
    const sandbox = await startSandbox();
    const client = clientOf({ ...sandbox.moduleOptions(), clientSecret: clientSecret as () => string });
    const { error, fault } = await failureOf(client.fetch(), ['s3cret-value']);
    expect(error).toMatchObject({ code: 'ASSET_TOKEN_UNAVAILABLE', retryable: true });
    expect(fault).toBe('endpoint');
    expect(sandbox.tokenRequests).toHaveLength(0);
  });

  it('sends nothing when its function hangs until the deadline', async () => {
    const sandbox = await startSandbox();
    const client = clientOf({
      ...sandbox.moduleOptions(),
      clientSecret: () => new Promise<string>(() => {}),
    });
    const deadline = new AbortController();
    const fetching = client.fetch({}, deadline.signal);
    deadline.abort(new Error('deadline'));
    const { error } = await failureOf(fetching);
    expect(error.code).toBe('ASSET_TOKEN_UNAVAILABLE');
    expect(error.message).toContain('clientSecret');
    expect(sandbox.tokenRequests).toHaveLength(0);
  });

  it('T99 after a rejection leaves the rejection as the failure that counts', async () => {
    const sandbox = await startSandbox();
    let reads = 0;
    const clientSecret = (): string => {
      reads += 1;
      if (reads === 2) throw new Error(`vault is sealed, had ${WRONG[0]}`);
      return WRONG[0];
    };
    const { error } = await failureOf(clientOf({ ...sandbox.moduleOptions(), clientSecret }).fetch(), WRONG);
    expect(error.code).toBe('ASSET_CREDENTIALS_REJECTED');
    expectNoSecrets(error, WRONG);
  });
});
