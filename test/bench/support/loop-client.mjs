// One client that calls the API in a bare loop, in a process of its own: with AsyncLocalStorage in use, Node 20 charges
// for every promise in the process, so the baseline must not share one with the library.

import 'reflect-metadata';
import { AsyncLocalStorage } from 'node:async_hooks';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { firstValueFrom } from 'rxjs';
import * as axiosAuthRefresh from '../peers/axios-auth-refresh.mjs';
import * as axiosTokenInterceptor from '../peers/axios-token-interceptor.mjs';
import { answerParent } from './child.mjs';
import { keepAliveAgent, plainHttpService, someToken } from './clients.mjs';
import { closedLoop } from './closed-loop.mjs';
import { JOURNAL_ENTRY } from './journal-entry.mjs';
import { CREDENTIALS, library, loadTelemetry, startLibrary } from './library.mjs';
import { startSdk } from './telemetry-sdk.mjs';

const [variant, url] = process.argv.slice(2);
const server = { url, tokenUrl: `${url}/v0/auth/token` };
const BUSINESS = 'biz_000001';
const PATH = `/v0/business/${BUSINESS}/ledger`;
const POST_PATH = `/v0/business/${BUSINESS}/journal-entry`;

/** A call of each method by an HTTP service. */
const callsOf = (http) => ({
  get: () => http.get(PATH),
  post: () => http.post(POST_PATH, JOURNAL_ENTRY),
});

/** The same calls, each made by what `around` makes of it. */
const each = (calls, around) =>
  Object.fromEntries(Object.entries(calls).map(([method, call]) => [method, around(call)]));

const awaited = (call) => () => firstValueFrom(call());

/** The library's own options but for the agent, so that everybody has the same. */
const startOurs = () => startLibrary(server, { http: { httpAgent: keepAliveAgent() } });

/** A handler as Nest would call it: a new execution context each time, and the interceptor around it. */
async function throughInterceptor() {
  const { http } = await startOurs();
  class LedgersController {
    list() {}
  }
  const { prototype } = LedgersController;
  const list = Object.getOwnPropertyDescriptor(prototype, 'list');
  library.AssetScope('ledger:read')(prototype, 'list', list);
  library.AssetBusiness('businessId')(prototype, 'list', list);
  const interceptor = new library.AssetScopeInterceptor();
  const request = { params: { businessId: BUSINESS } };
  return each(callsOf(http), (handle) => () => {
    const context = new ExecutionContextHost([request], LedgersController, prototype.list);
    return firstValueFrom(interceptor.intercept(context, { handle }));
  });
}

async function narrowedView() {
  const { http } = await startOurs();
  return each(callsOf(http.withScope('ledger:read').forBusiness(BUSINESS)), awaited);
}

/** OpenTelemetry's SDK with a span around each call, and nothing that leaves the process. */
async function traced(modules) {
  const tracer = startSdk();
  const options = { http: { httpAgent: keepAliveAgent() } };
  const { http } = await startLibrary(server, options, modules);
  const view = http.withScope('ledger:read').forBusiness(BUSINESS);
  return each(callsOf(view), (call) => () => {
    return tracer.startActiveSpan('call', (span) => firstValueFrom(call()).finally(() => span.end()));
  });
}

async function telemetry() {
  const { AssetAuthTelemetryModule } = await loadTelemetry();
  return traced([AssetAuthTelemetryModule]);
}

async function plain() {
  const http = plainHttpService(url, await someToken(server, BUSINESS));
  return each(callsOf(http), awaited);
}

/** As `plain`, but in a context, as which any scope of a handler has to reach the calls that it makes. */
async function plainInContext() {
  const http = plainHttpService(url, await someToken(server, BUSINESS));
  const storage = new AsyncLocalStorage();
  return each(callsOf(http), (call) => () => storage.run({}, () => firstValueFrom(call())));
}

function withPeer({ createAxios }) {
  const instance = createAxios({ server, ...CREDENTIALS }, { baseURL: url, httpAgent: keepAliveAgent() });
  return callsOf(instance);
}

const calls = await {
  plain,
  'plain-in-context': plainInContext,
  interceptor: throughInterceptor,
  view: narrowedView,
  'telemetry-off': () => traced([]),
  'telemetry-on': telemetry,
  'axios-token-interceptor': () => withPeer(axiosTokenInterceptor),
  'axios-auth-refresh': () => withPeer(axiosAuthRefresh),
}[variant]();

// One alone first: axios-auth-refresh rejects calls that meet its first 401 together.
await calls.get();

answerParent({
  // No collection is forced: each pays for what it leaves behind.
  run: ({ method, ...load }) => closedLoop(calls[method], load),
});
