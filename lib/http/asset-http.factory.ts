import type { HttpService } from '@nestjs/axios';
import axios from 'axios';
import type { AssetAuthConfig } from '../config/asset-auth.config.js';
import type { ClientConnections } from '../token/endpoint/client-connections.js';
import type { AssetClock } from '../config/clock.js';
import type { AssetTokenService } from '../token/token.service.js';
import { AssetTransport } from './asset.transport.js';
import { BearerInterceptor } from './bearer.interceptor.js';
import { isolate } from './client-defaults.js';

/** What a client's HTTP side is built of. */
export interface AssetHttpParts {
  readonly config: AssetAuthConfig;
  readonly tokens: AssetTokenService;
  readonly connections: ClientConnections;
  readonly clock: AssetClock;
  readonly client: string | undefined;
}

/** A private axios instance that sends to Asset only, with a token. Axios' global instance is never touched. */
export function createAssetAxios({
  config,
  tokens,
  connections,
  clock,
  client,
}: AssetHttpParts): HttpService['axiosRef'] {
  const { origin, businessId: defaultBusiness } = config;
  const transport = new AssetTransport({ tokens, connections, clock, origin, defaultBusiness });
  const bearer = new BearerInterceptor({ client, guarded: transport.guarded });
  const instance = axios.create({ ...config.http, baseURL: origin, adapter: transport.adapter });
  isolate(instance, config.http);
  // First, so that it runs last: request interceptors run in reverse order of registration.
  instance.interceptors.request.use(bearer.attach, undefined, { synchronous: true });
  return asNestKnowsIt(instance);
}

/** Axios ships one set of types for `import` and one for `require`, and Nest's majors differ in which they use. */
const asNestKnowsIt = (instance: unknown): HttpService['axiosRef'] => instance as HttpService['axiosRef'];
