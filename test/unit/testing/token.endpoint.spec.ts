import jwt from 'jsonwebtoken';
import { AssetSandbox, type AssetSandboxSettings, ManualClock } from '../../../lib/testing/index.js';
import { call, type Fields, getToken, json, postToken, sandboxes } from './sandbox-client.js';

const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';

describe('The token endpoint of AssetSandbox', () => {
  const { keep } = sandboxes();
  const start = async (options = {}): Promise<AssetSandbox> => keep(await AssetSandbox.start(options));

  const decode = (sandbox: AssetSandbox, token: string, clock?: ManualClock): jwt.JwtPayload =>
    jwt.verify(token, sandbox.signingKey, {
      algorithms: ['HS256'],
      clockTimestamp: Math.floor((clock?.now() ?? Date.now()) / 1000),
    }) as jwt.JwtPayload;

  it('issues a bearer token for the right credentials alone, as the Asset authentication guide asks for one', async () => {
    const sandbox = await start();
    const response = await postToken(sandbox);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json');
    const answer = await json(response);
    expect(answer).toEqual({
      access_token: sandbox.issuedTokens[0],
      token_type: 'Bearer',
      expires_in: expect.any(Number) as number,
    });
  });

  it('signs a JWT that an independent library verifies, with everything that was granted', async () => {
    const clock = new ManualClock();
    const sandbox = await start({ clock });
    const { access_token } = await getToken(sandbox, {
      scope: 'ledger:read ledger:create',
      business_id: BUSINESS,
      expires_in: '120',
      grant_type: 'client_credentials',
    });
    const issuedAt = clock.now() / 1000;
    expect(decode(sandbox, access_token, clock)).toEqual({
      aud: sandbox.url,
      scope: 'ledger:read ledger:create',
      business_id: BUSINESS,
      client_id: sandbox.clientId,
      iat: issuedAt,
      exp: issuedAt + 120,
      jti: sandbox.tokenRequests[0]?.claims?.jti,
    });
  });

  it('signs with a key of its own', async () => {
    const [one, other] = [await start(), await start()];
    const { access_token } = await getToken(one);
    expect(() => decode(other, access_token)).toThrow('invalid signature');
  });

  it('leaves business_id out of a token for the whole tenant, and never repeats a jti', async () => {
    const sandbox = await start();
    const claims = [await getToken(sandbox), await getToken(sandbox)].map((one) =>
      decode(sandbox, one.access_token),
    );
    expect(claims[0]).not.toHaveProperty('business_id');
    expect(claims[0]?.jti).not.toBe(claims[1]?.jti);
  });

  it('claims only aud and jti when told to stick to what Asset documents', async () => {
    const sandbox = await start({ jwtClaims: 'documented' });
    const { access_token } = await getToken(sandbox, { business_id: BUSINESS });
    expect(decode(sandbox, access_token)).toEqual({ aud: sandbox.url, jti: expect.any(String) as string });
  });

  it('issues opaque tokens on request, whose claims are on record all the same', async () => {
    const sandbox = await start({ tokenFormat: 'opaque' });
    const { access_token } = await getToken(sandbox, { scope: 'report:read' });
    expect(jwt.decode(access_token)).toBeNull();
    expect(sandbox.tokenRequests[0]?.claims).toMatchObject({
      scopes: ['report:read'],
      businessId: undefined,
    });
  });

  it('grants everything that the client has when no scope is asked for', async () => {
    const sandbox = await start();
    await getToken(sandbox);
    const granted = sandbox.tokenRequests[0]?.claims?.scopes;
    expect(granted).toHaveLength(16);
    expect(granted).toEqual(expect.arrayContaining(['journal_entry:create', 'business:read', 'report:read']));
  });

  it('grants nothing when no scope is asked for, if told so', async () => {
    const sandbox = await start({ omittedScope: 'nothing' });
    const { access_token } = await getToken(sandbox);
    expect(decode(sandbox, access_token).scope).toBe('');
  });

  it('takes a scope twice for once', async () => {
    const sandbox = await start();
    const { access_token } = await getToken(sandbox, { scope: 'ledger:read ledger:read' });
    expect(decode(sandbox, access_token).scope).toBe('ledger:read');
  });

  it('rejects a scope that the client lacks, with 400 invalid_scope', async () => {
    const sandbox = await start({ scopes: ['ledger:read'] });
    const response = await postToken(sandbox, { scope: 'ledger:read ledger:create' });
    expect([response.status, await json(response)]).toEqual([
      400,
      { error: 'invalid_scope', message: 'The client has not been granted every scope that was asked for.' },
    ]);
    expect(sandbox.issuedTokens).toEqual([]);
  });

  it('leaves it out silently when told to narrow, but never issues a token that narrowing emptied', async () => {
    const sandbox = await start({ scopes: ['ledger:read'], missingScope: 'narrow' });
    const { access_token } = await getToken(sandbox, { scope: 'ledger:create ledger:read' });
    expect(decode(sandbox, access_token).scope).toBe('ledger:read');
    expect((await postToken(sandbox, { scope: 'ledger:create' })).status).toBe(400);
  });

  it('compares scopes with their case', async () => {
    const sandbox = await start();
    expect((await postToken(sandbox, { scope: 'Ledger:read' })).status).toBe(400);
  });

  it('sets aud to the resources asked for, in a list if there are several', async () => {
    const sandbox = await start();
    const mcp = `${sandbox.url}/mcp`;
    const one = await getToken(sandbox, { resource: mcp });
    const two = await getToken(sandbox, { resource: [mcp, 'urn:other'] });
    expect(decode(sandbox, one.access_token).aud).toBe(mcp);
    expect(decode(sandbox, two.access_token).aud).toEqual([mcp, 'urn:other']);
    expect(sandbox.tokenRequests[1]?.form.resource).toEqual([mcp, 'urn:other']);
  });

  it.each<[string, Fields, number, string]>([
    ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
    ['a wrong client id', { client_id: 'wrong' }, 401, 'invalid_client'],
    ['no client id', { client_id: undefined }, 422, 'invalid_request'],
    ['no secret', { client_secret: undefined }, 422, 'invalid_request'],
    ['an empty secret', { client_secret: '' }, 422, 'invalid_request'],
    ['the secret twice', { client_secret: ['a', 'b'] }, 422, 'invalid_request'],
    ['another grant type', { grant_type: 'password' }, 422, 'unsupported_grant_type'],
    ['an unknown business', { business_id: 'biz_unknown' }, 404, 'not_found'],
    ['an empty business', { business_id: '' }, 422, 'invalid_request'],
    ['an empty scope', { scope: '' }, 422, 'invalid_request'],
    ['a scope with two spaces', { scope: 'ledger:read  ledger:create' }, 422, 'invalid_scope'],
    ['a scope with a space in front', { scope: ' ledger:read' }, 422, 'invalid_scope'],
    ['a scope with a quote', { scope: 'ledger:"read"' }, 422, 'invalid_scope'],
    ['a scope with a tab', { scope: 'ledger:read\tledger:create' }, 422, 'invalid_scope'],
    ['a lifetime of 0', { expires_in: '0' }, 422, 'invalid_request'],
    ['a negative lifetime', { expires_in: '-1' }, 422, 'invalid_request'],
    ['a fractional lifetime', { expires_in: '1.5' }, 422, 'invalid_request'],
    ['a lifetime in words', { expires_in: 'soon' }, 422, 'invalid_request'],
    ['a relative resource', { resource: '/mcp' }, 422, 'invalid_target'],
    ['a resource with a fragment', { resource: 'https://api.example/mcp#x' }, 422, 'invalid_target'],
    ['one bad resource of two', { resource: ['https://api.example/mcp', 'mcp'] }, 422, 'invalid_target'],
  ])('refuses %s', async (_what, fields, status, error) => {
    const sandbox = await start();
    const response = await postToken(sandbox, fields);
    expect([response.status, (await json(response)).error]).toEqual([status, error]);
    expect(sandbox.issuedTokens).toEqual([]);
    expect(sandbox.tokenRequests[0]?.claims).toBeUndefined();
  });

  it('reads no other body than a form, and no other method than POST', async () => {
    const sandbox = await start();
    const url = `${sandbox.url}/v0/auth/token`;
    const body = JSON.stringify({ client_id: sandbox.clientId, client_secret: sandbox.clientSecret });
    const asJson = await fetch(url, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    });
    const asGet = await fetch(`${url}?client_id=${sandbox.clientId}`);
    expect([asJson.status, asGet.status, asGet.headers.get('allow')]).toEqual([422, 405, 'POST']);
  });

  it('accepts no credentials in HTTP Basic, which Asset does not document', async () => {
    const sandbox = await start();
    const basic = Buffer.from(`${sandbox.clientId}:${sandbox.clientSecret}`).toString('base64');
    const response = await fetch(`${sandbox.url}/v0/auth/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: `Basic ${basic}` },
    });
    expect(response.status).toBe(422);
  });

  it('knows fields named like members of Object.prototype for what they are', async () => {
    const sandbox = await start();
    const response = await postToken(sandbox, { ['__proto__']: 'x', constructor: 'y' });
    expect(response.status).toBe(200);
    expect(Object.keys(sandbox.tokenRequests[0]!.form)).toEqual(
      expect.arrayContaining(['client_id', 'client_secret', 'constructor']),
    );
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  describe('expires_in', () => {
    const shapes: readonly [AssetSandboxSettings['expiresIn'], (now: number) => unknown][] = [
      ['timestamp', (now) => now / 1000 + 120],
      ['seconds', () => 120],
      ['string', () => '120'],
      ['absent', () => undefined],
    ];
    it.each(shapes)('is a %s', async (expiresIn, expected) => {
      const clock = new ManualClock();
      const sandbox = await start({ clock, expiresIn });
      expect((await getToken(sandbox, { expires_in: '120' })).expires_in).toBe(expected(clock.now()));
    });

    it('is whole where the clock shows fractions that do not add up', async () => {
      const clock = new ManualClock(24_104.3);
      expect(clock.now() + 120_000 - clock.now()).toBeLessThan(120_000);
      const sandbox = await start({ clock, expiresIn: 'seconds', tokenLifetimeSeconds: 120 });
      expect((await getToken(sandbox)).expires_in).toBe(120);
    });

    it('has a default of 3600 seconds', async () => {
      const sandbox = await start({ expiresIn: 'seconds' });
      expect((await getToken(sandbox)).expires_in).toBe(3600);
    });

    it('follows the setting where that names a lifetime, whatever was asked', async () => {
      const clock = new ManualClock();
      const sandbox = await start({ clock, expiresIn: 'seconds', tokenLifetimeSeconds: 30 });
      const { access_token, expires_in } = await getToken(sandbox, { expires_in: '120' });
      const { exp = 0, iat = 0 } = decode(sandbox, access_token, clock);
      expect([expires_in, exp - iat]).toEqual([30, 30]);
    });

    it.each<[AssetSandboxSettings['expiresIn'], AssetSandboxSettings['tokenFormat'], number]>([
      ['timestamp', 'jwt', 61_000],
      ['timestamp', 'opaque', 61_000],
      ['absent', 'jwt', 61_000],
      ['absent', 'opaque', 60_250],
      ['seconds', 'jwt', 60_250],
      ['seconds', 'opaque', 60_250],
      ['string', 'jwt', 60_250],
    ])(
      'as %s with a token that is %s ends no earlier than it says, between whole seconds',
      async (...row) => {
        const [expiresIn, tokenFormat, end] = row;
        const clock = new ManualClock(250);
        const sandbox = await start({ clock, expiresIn, tokenFormat, tokenLifetimeSeconds: 60 });
        await getToken(sandbox);
        expect(sandbox.tokenRequests[0]?.claims).toMatchObject({ issuedAt: 250, expiresAt: end });
      },
    );
  });

  describe('with stickyTokens', () => {
    it('T25 hands out the same token for the same request until less than a tenth of its life is left', async () => {
      const clock = new ManualClock();
      const sandbox = await start({
        clock,
        stickyTokens: true,
        expiresIn: 'seconds',
        tokenLifetimeSeconds: 100,
      });
      const first = await getToken(sandbox);
      await clock.advance(90_000);
      const again = await getToken(sandbox);
      await clock.advance(1);
      const next = await getToken(sandbox);
      expect(again.access_token).toBe(first.access_token);
      expect([first.expires_in, again.expires_in, next.expires_in]).toEqual([100, 10, 100]);
      expect(next.access_token).not.toBe(first.access_token);
    });

    it('tells requests apart', async () => {
      const sandbox = await start({ stickyTokens: true });
      const requests: Fields[] = [
        {},
        { scope: 'ledger:read' },
        { business_id: BUSINESS },
        { resource: 'urn:x' },
      ];
      const tokens = await Promise.all(requests.map((fields) => getToken(sandbox, fields)));
      expect(new Set(tokens.map((one) => one.access_token)).size).toBe(4);
    });

    it('tells apart what is asked for before and after a setting changes what tokens look like', async () => {
      const sandbox = await start({ stickyTokens: true });
      const full = await getToken(sandbox);
      sandbox.configure({ jwtClaims: 'documented' });
      const documented = await getToken(sandbox);
      sandbox.configure({ tokenFormat: 'opaque' });
      const opaque = await getToken(sandbox);
      expect(jwt.decode(full.access_token)).toHaveProperty('exp');
      expect(jwt.decode(documented.access_token)).not.toHaveProperty('exp');
      expect(jwt.decode(opaque.access_token)).toBeNull();
    });

    it('hands out no token that it has forgotten for the sake of its memory', async () => {
      const sandbox = await start({ stickyTokens: true, maxRecordedRequests: 2 });
      const first = await getToken(sandbox, { scope: 'ledger:read' });
      await getToken(sandbox, { scope: 'ledger:create' });
      await getToken(sandbox, { scope: 'report:read' });
      const again = await getToken(sandbox, { scope: 'ledger:read' });
      expect(again.access_token).not.toBe(first.access_token);
      expect((await call(sandbox, again.access_token, '/v0/business')).status).toBe(200);
    });

    it('keeps the token that was issued last for what was asked first', async () => {
      const sandbox = await start({ maxRecordedRequests: 2 });
      const scope = 'ledger:read';
      await getToken(sandbox, { scope });
      await getToken(sandbox, { scope: 'ledger:create' });
      const renewed = await getToken(sandbox, { scope });
      await getToken(sandbox, { scope: 'report:read' });
      sandbox.configure({ stickyTokens: true });
      expect((await getToken(sandbox, { scope })).access_token).toBe(renewed.access_token);
    });

    it('does not hand out a revoked token', async () => {
      const sandbox = await start({ stickyTokens: true });
      const first = await getToken(sandbox);
      sandbox.revokeTokens();
      expect((await getToken(sandbox)).access_token).not.toBe(first.access_token);
    });
  });

  describe('after rotateSecret', () => {
    it('T84 refuses the old secret at once and takes the new one', async () => {
      const sandbox = await start({ clientId: 'client', clientSecret: 'old secret' });
      expect(sandbox.rotateSecret('new secret')).toBe('new secret');
      expect(sandbox.clientSecret).toBe('new secret');
      expect((await postToken(sandbox, { client_secret: 'old secret' })).status).toBe(401);
      expect((await postToken(sandbox, { client_secret: 'new secret' })).status).toBe(200);
      expect(sandbox.tokenRequests.map((one) => one.secretWasCorrect)).toEqual([false, true]);
    });

    it('invents a secret when given none', async () => {
      const sandbox = await start();
      const old = sandbox.clientSecret;
      expect(sandbox.rotateSecret()).toBe(sandbox.clientSecret);
      expect(sandbox.clientSecret).not.toBe(old);
      await getToken(sandbox);
    });

    it('refuses an empty secret', async () => {
      const sandbox = await start();
      expect(() => sandbox.rotateSecret('')).toThrow(TypeError);
    });
  });

  it('answers every error in the format that is set', async () => {
    const sandbox = await start({ errorFormat: 'oauth' });
    const body = async () => (await postToken(sandbox, { client_secret: 'wrong' })).text();
    const message = 'The client credentials are not valid.';
    expect(JSON.parse(await body())).toEqual({ error: 'invalid_client', error_description: message });
    sandbox.configure({ errorFormat: 'detail' });
    expect(JSON.parse(await body())).toEqual({ detail: message });
    sandbox.configure({ errorFormat: 'empty' });
    expect(await body()).toBe('');
    sandbox.configure({ errorFormat: 'message' });
    expect(JSON.parse(await body())).toEqual({ error: 'invalid_client', message });
  });
});
