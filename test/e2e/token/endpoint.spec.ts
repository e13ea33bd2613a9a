import { ManualClock } from 'nestjs-asset-auth/testing';
import axios from 'axios';
import { startSandbox } from '../../support/sandbox.js';
import { afterThisTest } from '../../support/cleanup.js';
import { clientOf, failureOf, SECRET, startServer } from './endpoint.fixture.js';

describe('A token request', () => {
  it('is understood by Asset, with all its fields', async () => {
    const sandbox = await startSandbox();
    const [business] = sandbox.businesses;
    const client = clientOf({ ...sandbox.moduleOptions(), tokenTtlSeconds: 900 });
    const { value } = await client.fetch({
      scopes: ['ledger:read', 'report:read'],
      businessId: business!.id,
      resource: ['https://a.example/mcp', 'https://b.example/mcp'],
    });
    expect(value).toBe(sandbox.issuedTokens[0]);
    expect(sandbox.tokenRequests).toHaveLength(1);
    expect(sandbox.tokenRequests[0]).toMatchObject({
      method: 'POST',
      path: '/v0/auth/token',
      status: 200,
      secretWasCorrect: true,
      form: {
        grant_type: 'client_credentials',
        client_id: sandbox.clientId,
        scope: 'ledger:read report:read',
        business_id: business!.id,
        resource: ['https://a.example/mcp', 'https://b.example/mcp'],
        expires_in: '900',
      },
      claims: { scopes: ['ledger:read', 'report:read'], businessId: business!.id },
    });
  });

  it('asks for the full grant by leaving scope and business out', async () => {
    const sandbox = await startSandbox();
    await clientOf(sandbox.moduleOptions()).fetch();
    expect(Object.keys(sandbox.tokenRequests[0]!.form).sort()).toEqual([
      'client_id',
      'client_secret',
      'expires_in',
      'grant_type',
    ]);
    expect(sandbox.tokenRequests[0]!.claims!.scopes).toEqual(sandbox.settings.scopes);
  });

  it('T66 carries the credentials in the form, whatever characters they hold, and nowhere else', async () => {
    const { url, received } = await startServer();
    await clientOf({ baseUrl: url, clientId: 'cli:ent&id=ü' }).fetch();
    const [request] = received;
    const form = new URLSearchParams(request!.body);
    expect(form.get('client_id')).toBe('cli:ent&id=ü');
    expect(form.get('client_secret')).toBe(SECRET);
    expect(request!.headers).not.toHaveProperty('authorization');
    expect(request!.url).toBe('/v0/auth/token');
    expect(request!.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/);
    expect(request!.headers.accept).toBe('application/json');
  });

  it('goes to the path of the options', async () => {
    const { url, received } = await startServer();
    await clientOf({ baseUrl: url, tokenPath: '/gateway/token' }).fetch();
    expect(received.map((request) => request.url)).toEqual(['/gateway/token']);
  });

  it('T28 is dated from when it was sent, by both clocks, and its answer from when it was complete', async () => {
    const clock = new ManualClock();
    const { url, server } = await startServer((_request, response) => {
      void clock.advance(20_000).then(() => {
        response.setHeader('date', new Date(clock.now()).toUTCString());
        const end = (clock.now() - 20_000) / 1000 + 3600;
        response.end(`{"access_token":"issued-token","expires_in":${end}}`);
      });
    });
    expect(server.listening).toBe(true);
    await clock.advance(5000);
    const sentAt = clock.now();
    const issued = await clientOf({ baseUrl: url }, clock).fetch();
    expect(issued.issuedAt).toEqual({ wall: sentAt, monotonic: 5000 });
    expect(issued.requestMs).toBe(20_000);
    // Its `Date` agrees with our clock at the moment when it was complete, so that nothing is corrected.
    expect(issued.lifeMs).toBe(3_600_000);
  });

  it('T28 takes an answer for complete when its last byte is there', async () => {
    const clock = new ManualClock();
    const { url } = await startServer((_request, response) => {
      response.write('{"access_token":', () => {
        void clock.advance(20_000).then(() => response.end('"issued-token"}'));
      });
    });
    expect((await clientOf({ baseUrl: url }, clock).fetch()).requestMs).toBe(20_000);
  });

  it('reports every answer and its headers, the refused ones too', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { status: 429, headers: { 'x-ratelimit-remaining': '0' } });
    const client = clientOf(sandbox.moduleOptions());
    const { error } = await failureOf(client.fetch(), [sandbox.clientSecret]);
    expect(error.status).toBe(429);
    await client.fetch();
    expect(client.headers).toHaveLength(2);
    expect(client.headers[0]).toMatchObject({ 'x-ratelimit-remaining': '0' });
  });

  it('understands an answer that begins with a byte order mark', async () => {
    const { url } = await startServer((_request, response) =>
      response.end('\uFEFF{"access_token":"issued-token"}'),
    );
    expect((await clientOf({ baseUrl: url }).fetch()).value).toBe('issued-token');
  });

  it('T58 takes nothing from the global axios, whatever the application did to it', async () => {
    const { url, received } = await startServer();
    const before = { ...axios.defaults };
    const headersBefore = { ...axios.defaults.headers.common };
    afterThisTest(() => {
      Object.assign(axios.defaults, { auth: undefined, adapter: undefined, params: undefined }, before);
      for (const name of Object.keys(axios.defaults.headers.common)) {
        if (!(name in headersBefore)) axios.defaults.headers.common[name] = undefined;
      }
    });
    Object.assign(axios.defaults, {
      auth: { username: 'someone', password: 'else' },
      params: { tracked: 'yes' },
      adapter: () => Promise.reject(new Error('The global adapter was asked.')),
      transformRequest: [() => 'changed'],
    });
    axios.defaults.headers.common['X-Global'] = 'yes';
    const { value } = await clientOf({ baseUrl: url }).fetch();
    expect(value).toBe('issued-token');
    expect(received[0]!.headers).not.toHaveProperty('authorization');
    expect(received[0]!.headers).not.toHaveProperty('x-global');
    expect(received[0]!.url).toBe('/v0/auth/token');
    expect(received[0]!.body).toContain('grant_type=client_credentials');
  });
});
