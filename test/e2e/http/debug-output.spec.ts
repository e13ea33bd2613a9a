import { createRequire } from 'node:module';
import { format } from 'node:util';
import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { startOnWire, TOKEN } from './wire.fixture.js';

/** What matters here of the package `debug`, which other packages print through if it is installed. */
interface Debug {
  enable(names: string): void;
  disable(): string;
  log: (...parts: unknown[]) => void;
}
const debug = createRequire(import.meta.url)('debug') as Debug;

/** What is printed for `DEBUG=*`. */
function printed(): readonly string[] {
  const lines: string[] = [];
  const { log } = debug;
  debug.log = (...parts) => void lines.push(format(...parts));
  debug.enable('*');
  afterThisTest(() => {
    debug.disable();
    debug.log = log;
  });
  return lines;
}

describe('T104 DEBUG=*', () => {
  it.each([{}, { maxRedirects: 5 }])('prints no token: %j', async (http) => {
    const wire = await startOnWire(
      (request, response) => {
        if (request.url === '/v0/moved') response.writeHead(307, { location: '/v0/there' });
        response.end('{}');
      },
      { http },
    );
    const lines = printed();
    await firstValueFrom(wire.asset.get('/v0/first'));
    await firstValueFrom(wire.asset.post('/v0/second', { a: 1 }, { maxRedirects: 3 }));
    await firstValueFrom(wire.asset.get('/v0/moved', { maxRedirects: 3 }));
    expect(lines.join('\n')).toContain('redirecting to');
    expect(lines.join('\n')).not.toContain(TOKEN);
    expect(wire.requests.at(-1)).toBe('GET /v0/there');
    for (const head of wire.heads) expect(head).toContain(`authorization: bearer ${TOKEN}`);
  });

  it('prints no token of a request that fails', async () => {
    const { asset, sandbox } = await startApplication({ options: { http: { maxRedirects: 5 } } });
    const lines = printed();
    sandbox.fail('api', { status: 500 });
    await firstValueFrom(asset.get('/v0/business', { validateStatus: null }));
    expect(sandbox.issuedTokens).toHaveLength(1);
    expect(lines.join('\n')).not.toContain(sandbox.issuedTokens[0]);
  });
});
