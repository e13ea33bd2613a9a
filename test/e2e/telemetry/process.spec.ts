import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startSandbox } from '../../support/sandbox.js';

interface TracedSpan {
  readonly name: string;
  readonly id: string;
  readonly trace: string;
  readonly parent?: string;
  readonly links: readonly string[];
  readonly method?: string;
}

interface Recorded {
  readonly spans: readonly TracedSpan[];
  readonly names: readonly string[];
  readonly heard: readonly string[];
}

const LONGEST_MS = 60_000;
const fromSource = new URL('../../support/from-source.mjs', import.meta.url).href;

/** What a process with OpenTelemetry's own instrumentation of HTTP recorded of one call. */
async function recorded(order: 'first' | 'last'): Promise<Recorded> {
  const sandbox = await startSandbox();
  const file = fileURLToPath(new URL('./traced.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', fromSource, file, order], {
    timeout: LONGEST_MS,
    env: {
      PATH: process.env.PATH,
      ASSET_BASE_URL: sandbox.url,
      ASSET_CLIENT_ID: sandbox.clientId,
      ASSET_CLIENT_SECRET: sandbox.clientSecret,
    },
  });
  return JSON.parse(stdout) as Recorded;
}

const METRICS = [
  'asset_auth.token.request.duration',
  'asset_auth.token.wait.duration',
  'asset_auth.tokens.used',
  'asset_auth.token.count',
  'asset_auth.endpoint.state',
];

describe('A process with OpenTelemetry', () => {
  it(
    'shows the wait of a caller in its trace, and the request it led to with the HTTP client below it',
    async () => {
      const { spans, names, heard } = await recorded('first');
      const [caller, acquire, request] = [
        'caller',
        'asset_auth.token.acquire',
        'asset_auth.token.request',
      ].map((name) => spans.find((span) => span.name === name)!);
      expect(acquire).toMatchObject({ parent: caller!.id, trace: caller!.trace, links: [request!.id] });
      expect(request!.parent).toBeUndefined();
      expect(request).toMatchObject({ links: [acquire!.id] });
      const http = spans.filter(({ method }) => method !== undefined);
      expect(http.map(({ method, parent }) => ({ method, parent }))).toEqual([
        { method: 'POST', parent: request!.id },
        { method: 'GET', parent: caller!.id },
      ]);
      for (const name of METRICS) expect(names).toContain(name);
      expect(heard).toEqual(['ledger:read']);
    },
    LONGEST_MS,
  );

  it(
    'records the same figures and spans where the SDK starts after Nest',
    async () => {
      const { spans, names } = await recorded('last');
      expect(spans.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['caller', 'asset_auth.token.acquire', 'asset_auth.token.request']),
      );
      for (const name of METRICS) expect(names).toContain(name);
    },
    LONGEST_MS,
  );
});
