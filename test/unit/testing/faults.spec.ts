import type { ServerResponse } from 'node:http';
import {
  AssetSandbox,
  type AssetSandboxOptions,
  ManualClock,
  type SandboxFault,
} from '../../../lib/testing/index.js';
import { deliver } from '../../../lib/testing/server.js';
import { eventually } from '../../support/eventually.js';
import { startForeignServer } from '../../support/foreign-server.js';
import { call, getToken, json, postToken, sandboxes } from './sandbox-client.js';

describe('Scripted faults of AssetSandbox', () => {
  const { keep } = sandboxes();
  const start = async (options: AssetSandboxOptions = {}): Promise<AssetSandbox> =>
    keep(await AssetSandbox.start(options));

  /** What became of a request: its status, or that no answer came. */
  const outcome = (response: Promise<Response>): Promise<number | string> =>
    response.then(
      ({ status }) => status,
      () => 'no answer',
    );

  it('are played as often as asked, then all is as usual', async () => {
    const sandbox = await start();
    sandbox.fail('token', { status: 503 }, 2);
    const seen = [];
    for (let request = 0; request < 3; request++) {
      seen.push(await outcome(postToken(sandbox)));
    }
    expect(seen).toEqual([503, 503, 200]);
    expect(sandbox.issuedTokens).toHaveLength(1);
    expect(sandbox.tokenRequests.map((request) => request.status)).toEqual([503, 503, 200]);
  });

  it('are not used up by a request that is too large to be looked at', async () => {
    const sandbox = await start({ maxBodyBytes: 1_000 });
    const handle = sandbox.fail('token', { status: 503 });
    expect(await outcome(postToken(sandbox, { scope: 'x'.repeat(1_000) }))).toBe(413);
    expect(handle.remaining).toBe(1);
    expect(await outcome(postToken(sandbox))).toBe(503);
  });

  it('are played once when nothing is said, and in the order in which they were scripted', async () => {
    const sandbox = await start();
    sandbox.fail('token', { status: 500 });
    sandbox.fail('token', { status: 502 });
    expect([
      await outcome(postToken(sandbox)),
      await outcome(postToken(sandbox)),
      await outcome(postToken(sandbox)),
    ]).toEqual([500, 502, 200]);
  });

  it('hit only their own side', async () => {
    const sandbox = await start();
    sandbox.fail('api', { status: 500 }, Infinity);
    const { access_token } = await getToken(sandbox);
    expect(await outcome(call(sandbox, access_token, '/v0/business'))).toBe(500);
  });

  it('go on without end with Infinity, until they are cleared', async () => {
    const sandbox = await start();
    sandbox.fail('token', { status: 500 }, Infinity);
    sandbox.fail('token', { status: 502 });
    for (let request = 0; request < 20; request++) {
      expect(await outcome(postToken(sandbox))).toBe(500);
    }
    sandbox.clearFaults();
    expect(await outcome(postToken(sandbox))).toBe(200);
  });

  it('can be watched and cancelled one by one', async () => {
    const sandbox = await start();
    const first = sandbox.fail('token', { status: 500 }, 5);
    const second = sandbox.fail('token', { status: 502 });
    await postToken(sandbox);
    expect([first.remaining, second.remaining]).toEqual([4, 1]);
    first.cancel();
    first.cancel();
    expect(await outcome(postToken(sandbox))).toBe(502);
    second.cancel();
    expect([first.remaining, second.remaining]).toEqual([0, 0]);
  });

  it('wait for the requests that their filter picks', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    sandbox.fail('api', { status: 500 }, { when: (request) => request.method === 'POST' });
    const post = () => call(sandbox, access_token, '/v0/business', { method: 'POST', json: { name: 'X' } });
    expect(await outcome(call(sandbox, access_token, '/v0/business'))).toBe(200);
    expect(await outcome(post())).toBe(500);
    expect(sandbox.businesses).toHaveLength(3);
    expect(await outcome(post())).toBe(201);
  });

  it('do not change whether the request counts as authorized', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    sandbox.fail('api', { status: 401 }, 2);
    await call(sandbox, access_token, '/v0/business');
    await call(sandbox, 'unknown', '/v0/business');
    expect(sandbox.apiRequests.map(({ authorized, status }) => [authorized, status])).toEqual([
      [true, 401],
      [false, 401],
    ]);
  });

  describe('{ status, headers, body, retryAfter }', () => {
    const answerTo = async (fault: SandboxFault) => {
      const sandbox = await start();
      sandbox.fail('token', fault);
      const response = await postToken(sandbox);
      return { response, text: await response.text(), sandbox };
    };

    it('takes the place of the answer, and nothing is done', async () => {
      const body = { error: 'invalid_client' };
      const { response, text, sandbox } = await answerTo({
        status: 401,
        headers: { 'X-Odd': ['a', 'b'] },
        body,
      });
      expect([response.status, response.headers.get('x-odd'), JSON.parse(text)]).toEqual([401, 'a, b', body]);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(sandbox.issuedTokens).toEqual([]);
    });

    it('has a body of its own when none is given', async () => {
      expect(JSON.parse((await answerTo({ status: 503 })).text)).toEqual({
        error: 'scripted_fault',
        message: 'Scripted 503.',
      });
      expect((await answerTo({ status: 200 })).text).toBe('{}');
    });

    it.each<[number | string, string]>([
      [30, '30'],
      ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
    ])('T40 sends retryAfter %j as it is', async (retryAfter, header) => {
      expect((await answerTo({ status: 429, retryAfter })).response.headers.get('retry-after')).toBe(header);
    });

    it('T55 is a 200 with whatever body is given: text, bytes or JSON', async () => {
      for (const [body, sent] of [
        ['{"access_token":', '{"access_token":'],
        ['', ''],
        [Buffer.from('<html>'), '<html>'],
        [[1, 2], '[1,2]'],
      ] as const) {
        const { response, text } = await answerTo({ body });
        expect([response.status, text]).toEqual([200, sent]);
      }
    });

    it('replaces headers of the sandbox’s own, whatever their case', async () => {
      const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
      const { response } = await answerTo({
        body: 'hello',
        headers: { 'Content-Type': 'text/plain', Date: date },
      });
      expect([response.headers.get('content-type'), response.headers.get('date')]).toEqual([
        'text/plain',
        date,
      ]);
    });

    it('without status and body, serves as usual and adds the headers', async () => {
      const { response, text, sandbox } = await answerTo({ headers: { age: '60' }, retryAfter: 5 });
      expect([response.status, response.headers.get('age'), response.headers.get('retry-after')]).toEqual([
        200,
        '60',
        '5',
      ]);
      expect(JSON.parse(text)).toMatchObject({ access_token: sandbox.issuedTokens[0] });
    });

    it('T23 lays fields over the usual answer, or takes them out', async () => {
      const { text, sandbox } = await answerTo({ fields: { expires_in: 'soon', token_type: undefined } });
      expect(JSON.parse(text)).toEqual({ access_token: sandbox.issuedTokens[0], expires_in: 'soon' });
    });

    it('waits delayMs of the sandbox’s clock, having done what was asked on arrival', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock });
      sandbox.fail('token', { delayMs: 20_000 });
      const response = postToken(sandbox);
      await sandbox.waitForRequest('token');
      expect([clock.timers, sandbox.issuedTokens.length, sandbox.requests[0]?.status]).toEqual([
        [{ dueInMs: 20_000, ref: true }],
        1,
        undefined,
      ]);
      await clock.advance(20_000);
      expect((await response).status).toBe(200);
      expect(sandbox.tokenRequests[0]?.claims?.issuedAt).toBe(clock.now() - 20_000);
    });

    it('delays scripted answers as well', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock });
      sandbox.fail('token', { status: 500, delayMs: 10 });
      const response = postToken(sandbox);
      await sandbox.waitForRequest('token');
      await clock.advance(10);
      expect((await response).status).toBe(500);
    });
  });

  it('T53 { hang } accepts the request and never answers, until the sandbox closes', async () => {
    const sandbox = await start();
    sandbox.fail('token', { hang: true });
    const hanging = outcome(postToken(sandbox));
    await sandbox.waitForRequest('token');
    expect(await outcome(postToken(sandbox))).toBe(200);
    expect(sandbox.tokenRequests.map((request) => request.status)).toEqual([undefined, 200]);
    expect(sandbox.issuedTokens).toHaveLength(1);
    await sandbox.close();
    expect(await hanging).toBe('no answer');
  });

  it('{ reset } resets the connection', async () => {
    const sandbox = await start();
    sandbox.fail('token', { reset: true });
    const error: unknown = await postToken(sandbox).catch((cause: unknown) => (cause as Error).cause);
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    expect([sandbox.tokenRequests[0]?.status, sandbox.issuedTokens]).toEqual([undefined, []]);
  });

  it('{ truncated } breaks off half-way through the body, after doing what was asked', async () => {
    const sandbox = await start();
    sandbox.fail('token', { truncated: true });
    const response = await postToken(sandbox);
    expect(response.status).toBe(200);
    const received: Buffer[] = [];
    const read = async (): Promise<void> => {
      for await (const chunk of response.body!) {
        received.push(Buffer.from(chunk as Uint8Array));
      }
    };
    await expect(read()).rejects.toThrow('terminated');
    const bytes = Buffer.concat(received).length;
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThan(Number(response.headers.get('content-length')));
    expect(sandbox.issuedTokens).toHaveLength(1);
  });

  it('{ truncated } breaks off an answer without body as well', async () => {
    const sandbox = await start({ errorFormat: 'empty' });
    sandbox.fail('token', { truncated: true });
    const response = await postToken(sandbox, { client_secret: 'wrong' });
    await expect(response.text()).rejects.toThrow('terminated');
  });

  it('{ endless } goes on for as long as the client listens, and ends when it leaves', async () => {
    const sandbox = await start();
    sandbox.fail('token', { endless: true });
    const response = await postToken(sandbox);
    let bytes = 0;
    let start_ = '';
    for await (const chunk of response.body!) {
      start_ ||= Buffer.from(chunk as Uint8Array).toString('latin1');
      bytes += (chunk as Uint8Array).length;
      if (bytes > 5_000_000) {
        break;
      }
    }
    expect([response.status, start_.slice(0, 19)]).toEqual([200, '{"access_token":"xx']);
    expect(sandbox.issuedTokens).toEqual([]);
    expect(await outcome(postToken(sandbox))).toBe(200);
  });

  it('{ endless } lets the process do other things', async () => {
    const sandbox = await start();
    sandbox.fail('token', { endless: true });
    const response = await postToken(sandbox);
    for (let request = 0; request < 50; request++) {
      expect(await outcome(postToken(sandbox))).toBe(200);
    }
    await response.body!.cancel();
  });

  it('{ endless } writes no faster than the client reads', async () => {
    const answers: ServerResponse[] = [];
    const { origin } = await startForeignServer((_request, response) => {
      answers.push(response);
      deliver(response, { status: 200, headers: {}, body: '' }, { endless: true });
    });
    // Nobody reads its body.
    const response = await fetch(origin);
    const [answer] = answers;
    await eventually(() => answer!.writableNeedDrain);
    let longest = 0;
    for (let turn = 0; turn < 1000; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, answer!.writableLength);
    }
    expect(longest).toBeLessThan(100_000);
    await response.body!.cancel();
  });

  it.each([undefined, 301, 302, 303, 307, 308] as const)('{ redirect } with status %s', async (status) => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox);
    sandbox.fail('api', { redirect: 'https://elsewhere.example/x', ...(status && { status }) });
    const response = await call(sandbox, access_token, '/v0/business');
    expect([response.status, response.headers.get('location')]).toEqual([
      status ?? 307,
      'https://elsewhere.example/x',
    ]);
  });

  it.each<[string, unknown]>([
    ['an empty fault', {}],
    ['an unknown name', { explode: true }],
    ['two shapes at once', { hang: true, status: 500 }],
    ['a status below 200', { status: 101 }],
    ['a status that is no number', { status: '500' }],
    ['a negative delay', { delayMs: -1 }],
    ['a delay beyond Node’s timers', { delayMs: 2 ** 31 }],
    ['a delay that is no number', { delayMs: 'soon' }],
    ['fields over a scripted answer', { fields: {}, body: 'x' }],
    ['a flag that is off', { hang: false }],
  ])('refuse %s', async (_what, fault) => {
    const sandbox = await start();
    expect(() => sandbox.fail('token', fault as SandboxFault)).toThrow(TypeError);
    expect(await outcome(postToken(sandbox))).toBe(200);
  });

  it.each([0, -1, 1.5, NaN])('refuse to be played %d times', async (times) => {
    const sandbox = await start();
    expect(() => sandbox.fail('token', { status: 500 }, times)).toThrow(RangeError);
    expect(() => sandbox.fail('token', { status: 500 }, { times })).toThrow(RangeError);
    expect(() => {
      sandbox.rejectTokens(times);
    }).toThrow(RangeError);
  });

  it('refuse a side that does not exist', async () => {
    const sandbox = await start();
    expect(() => sandbox.fail('tokens' as 'token', { status: 500 })).toThrow("'token' or 'api', not tokens");
    expect(() => sandbox.hold('tokens' as 'token')).toThrow(TypeError);
  });

  it('tell the client when their filter throws', async () => {
    const sandbox = await start();
    sandbox.fail(
      'token',
      { status: 503 },
      {
        when: () => {
          throw new Error('broken filter');
        },
      },
    );
    const response = await postToken(sandbox);
    expect([response.status, await json(response)]).toEqual([
      500,
      { error: 'sandbox_misused', message: 'Error: broken filter' },
    ]);
  });

  describe('rejectTokens', () => {
    it('T62 answers 401 to good tokens, as often as asked', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      sandbox.rejectTokens(2);
      const seen = [];
      for (let request = 0; request < 3; request++) {
        seen.push(await outcome(call(sandbox, access_token, '/v0/business')));
      }
      expect(seen).toEqual([401, 401, 200]);
      expect(sandbox.apiRequests.map((request) => request.authorized)).toEqual([false, false, true]);
    });

    it('adds up what it is told', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      sandbox.rejectTokens(2);
      sandbox.rejectTokens();
      const seen = [];
      for (let request = 0; request < 4; request++) {
        seen.push(await outcome(call(sandbox, access_token, '/v0/business')));
      }
      expect(seen).toEqual([401, 401, 401, 200]);
    });

    it('does so once when nothing is said, and says invalid_token', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      sandbox.rejectTokens();
      const response = await call(sandbox, access_token, '/v0/business');
      expect(response.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
      expect(await outcome(call(sandbox, access_token, '/v0/business'))).toBe(200);
    });

    it('does not use up its number on tokens that are bad anyway', async () => {
      const sandbox = await start();
      const { access_token } = await getToken(sandbox);
      sandbox.rejectTokens();
      await call(sandbox, 'unknown', '/v0/business');
      expect(await outcome(call(sandbox, access_token, '/v0/business'))).toBe(401);
    });

    it('picks tokens by what they stand for, until it is cleared', async () => {
      const sandbox = await start();
      const one = await getToken(sandbox);
      const other = await getToken(sandbox, { scope: 'ledger:read' });
      sandbox.rejectTokens(({ claims }) => claims?.scopes.length === 1);
      expect(await outcome(call(sandbox, one.access_token, '/v0/business'))).toBe(200);
      expect(await outcome(call(sandbox, other.access_token, '/v0/business'))).toBe(401);
      expect(await outcome(call(sandbox, other.access_token, '/v0/business'))).toBe(401);
      sandbox.rejectTokens(Infinity);
      expect(await outcome(call(sandbox, one.access_token, '/v0/business'))).toBe(401);
      sandbox.clearFaults();
      expect(await outcome(call(sandbox, one.access_token, '/v0/business'))).toBe(200);
      expect(await outcome(call(sandbox, other.access_token, '/v0/business'))).toBe(200);
    });
  });
});
