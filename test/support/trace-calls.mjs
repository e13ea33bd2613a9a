// Counts what a call crosses of the library's files:
//
//   npm run build && npm run trace -- [folder of the built esm] [--list]
//
// A file is crossed when one of its functions runs during the call. An edge is a pair of files, one of whose functions
// calls one of the other's; an edge from outside counts too. A return enters a file that was entered before and that another
// file followed. To come back from a call or an `await` is no entry. Node, packages and `testing/` do not count. Each
// kind of call is made several times before it is measured, in one Nest application on an AssetSandbox. Fails if a call
// crosses more files than a reader can follow.
/* global fetch */
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { CallTracer } from './call-tracer.mjs';

const WARM_UPS = 5;
const MOST_FILES = {
  'cached GET': 15,
  'cached GET through @AssetScope + @AssetBusiness': 20,
  'cold GET': 30,
};

const { values, positionals } = parseArgs({
  options: { list: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const library = `${pathToFileURL(resolve(positionals[0] ?? 'dist/esm')).href}/`;
const tracer = new CallTracer();
globalThis.callTracer = tracer;
register('./trace-calls.hooks.mjs', import.meta.url, { data: { library, tracer: import.meta.url } });

await import('reflect-metadata');
const { Controller, Get, Module, Param } = await import('@nestjs/common');
const { NestFactory } = await import('@nestjs/core');
const { firstValueFrom } = await import('rxjs');
const { AssetAuthModule, AssetBusiness, AssetHttpService, AssetScope, AssetTokenService } = await import(
  `${library}index.js`
);
const { AssetSandbox } = await import(`${library}testing/index.js`);

const pathOf = (business) => `/v0/business/${business}/ledger`;

class LedgersController {
  constructor(asset) {
    this.asset = asset;
  }

  async list(businessId) {
    const { status } = await firstValueFrom(this.asset.get(pathOf(businessId)));
    return { status };
  }
}
decorate(LedgersController, 'list', {
  ofClass: [Controller('businesses/:businessId/ledgers'), AssetBusiness('businessId')],
  ofMethod: [AssetScope('ledger:read'), Get()],
  parameters: [Param('businessId')],
  injected: [AssetHttpService],
});

const sandbox = await AssetSandbox.start();
class ApplicationModule {}
Module({
  imports: [AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), scopes: 'ledger:read' })],
  controllers: [LedgersController],
})(ApplicationModule);
const app = await NestFactory.create(ApplicationModule, { logger: ['error', 'warn'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const asset = app.get(AssetHttpService);
const tokens = app.get(AssetTokenService);

async function get(businessId) {
  const narrowing = { scopes: ['ledger:read'], businessId };
  await firstValueFrom(asset.get(pathOf(businessId), { asset: narrowing }));
}
const getAccessToken = (businessId) => tokens.getAccessToken({ businessId, scopes: ['ledger:read'] });
async function throughController(businessId) {
  const { status } = await fetch(`${url}/businesses/${businessId}/ledgers`);
  if (status !== 200) throw new Error(`The application answered ${status}.`);
}

/** Each is called with a business of its own, so that nothing is known of its token unless `before` sees to it. */
const CALLS = {
  'cached GET': { before: get, call: get },
  'cached GET through @AssetScope + @AssetBusiness': { before: throughController, call: throughController },
  'cold GET': { call: get },
  'GET, 401, replayed': {
    async before(businessId) {
      await get(businessId);
      sandbox.rejectTokens();
    },
    call: get,
  },
  'getAccessToken, cached': { before: getAccessToken, call: getAccessToken },
  'getAccessToken, cold': { call: getAccessToken },
};

const traced = [];
for (const [name, { before, call }] of Object.entries(CALLS)) {
  let figures;
  for (let round = 0; round <= WARM_UPS; round += 1) {
    const { id } = sandbox.addBusiness();
    await before?.(id);
    tracer.start();
    await call(id);
    figures = tracer.figures();
  }
  traced.push({ name, ...figures });
}
await app.close();
await sandbox.close();

const widths = [Math.max(...traced.map(({ name }) => name.length)), 5, 5, 7];
const line = (...cells) =>
  console.log(
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : String(cell).padStart(widths[i]))).join('  '),
  );
line('', 'files', 'edges', 'returns');
for (const { name, files, edges, returns } of traced) line(name, files.length, edges, returns);
if (values.list)
  for (const { name, files } of traced)
    console.log(`\n${name}\n${files.map((file) => `  ${file}`).join('\n')}`);

for (const { name, files } of traced) {
  if (files.length <= (MOST_FILES[name] ?? Infinity)) continue;
  console.error(
    `\n${name} crosses ${files.length} files, and may cross ${MOST_FILES[name]}: see them with --list.`,
  );
  process.exitCode = 1;
}

/** Applies decorators as the compiler would. */
function decorate(Class, method, { ofClass, ofMethod, parameters, injected }) {
  const { prototype } = Class;
  Reflect.decorate(ofMethod, prototype, method, Object.getOwnPropertyDescriptor(prototype, method));
  parameters.forEach((parameter, index) => parameter(prototype, method, index));
  Reflect.decorate([...ofClass, Reflect.metadata('design:paramtypes', injected)], Class);
}
