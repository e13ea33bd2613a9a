import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import type { OpenAPIObject } from '@nestjs/swagger';
import { serveApiDocs } from '../../../sample-app/api-docs.js';
import { demoModule } from '../../../sample-app/demo/demo.module.js';
import { sandboxUnlessConfigured } from '../../../sample-app/demo/sandbox.js';
import { afterThisTest } from '../../support/cleanup.js';
import { keepSecretsOf, wasCaught } from '../../support/no-secrets.js';
import { recordingLogger } from '../../support/recording-logger.js';

/** The sample as `npm start` starts it, on a free port, with its scheduled job stopped. */
async function startSample(): Promise<string> {
  const demo = (await sandboxUnlessConfigured(process.env))!;
  const sandbox = demo.own!;
  afterThisTest(async () => {
    forgetAsset();
    await sandbox.close();
  });
  keepSecretsOf(sandbox);
  const app = await NestFactory.create(demoModule(demo), { logger: recordingLogger(), abortOnError: false });
  afterThisTest(() => app.close());
  serveApiDocs(app);
  await app.listen(0, '127.0.0.1');
  await app.get(SchedulerRegistry).getCronJob('AgedPayablesJob').stop();
  return app.getUrl();
}

function forgetAsset(): void {
  for (const name of Object.keys(process.env))
    if (/^(ASSET_.*|REDIS_URL|SANDBOX_PORT)$/.test(name)) Reflect.deleteProperty(process.env, name);
}

beforeAll(forgetAsset);

describe('The OpenAPI document of the sample application', () => {
  it('names for each route of the sample itself, and for no other, the scopes and the business that it asks Asset for', async () => {
    const url = await startSample();
    const text = await (await fetch(`${url}/docs-json`)).text();
    wasCaught(text);
    const asked = Object.entries((JSON.parse(text) as OpenAPIObject).paths).flatMap(([path, item]) =>
      Object.entries(item as Record<string, Record<string, unknown>>).map(([method, operation]) => [
        `${method} ${path}`,
        operation['x-asset'],
      ]),
    );
    const of = (...scopes: readonly string[]) => ({ scopes, business: 'businessId' });
    const ofTenant = (...scopes: readonly string[]) => ({ scopes, business: null });
    // Strictly: the routes of the page are not among them.
    expect(Object.fromEntries(asked)).toStrictEqual({
      'get /businesses': ofTenant('business:read'),
      'post /businesses': ofTenant('business:create'),
      'get /businesses/{businessId}/ledgers': of('ledger:read'),
      'post /businesses/{businessId}/ledgers': of('ledger:create'),
      'patch /businesses/{businessId}/ledgers/{ledgerId}': of('ledger:update'),
      'post /businesses/{businessId}/journal-entries': of('journal_entry:create'),
      'get /businesses/{businessId}/reports/aged-payables': of('report:read'),
      'get /tokens': undefined,
    });
  });

  it('is shown by Swagger UI, with its extensions', async () => {
    const url = await startSample();
    expect(await (await fetch(`${url}/docs`)).text()).toContain('swagger-ui-bundle.js');
    const settings = await (await fetch(`${url}/docs/swagger-ui-init.js`)).text();
    expect(settings).toMatch(/"showExtensions": true/);
    expect(settings).toMatch(/"x-asset": \{\s*"scopes": \[\s*"ledger:create"/);
  });
});
