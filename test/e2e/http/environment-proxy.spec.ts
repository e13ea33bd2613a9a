import { firstValueFrom } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { startForeignServer } from '../../support/foreign-server.js';

describe('a client of an origin on this machine', () => {
  it('sends neither the secret nor a token to a proxy that the environment names', async () => {
    const proxy = await startForeignServer();
    const before = { HTTP_PROXY: process.env.HTTP_PROXY, NO_PROXY: process.env.NO_PROXY };
    afterThisTest(() => {
      for (const [name, value] of Object.entries(before)) {
        if (value === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = value;
      }
    });
    process.env.HTTP_PROXY = proxy.origin;
    process.env.NO_PROXY = '';
    const { asset, sandbox } = await startApplication();
    expect((await firstValueFrom(asset.get('/v0/business'))).status).toBe(200);
    expect(sandbox.requests).toHaveLength(2);
    expect(proxy.connections).toBe(0);
  });
});
