import type { InjectionToken, Provider } from '@nestjs/common';
import {
  ASSET_CLOCK,
  getAssetAuthConfigToken,
  getAssetAuthOptionsToken,
  getAssetHttpToken,
  getAssetTokenServiceToken,
} from './asset-auth.tokens.js';
import { AssetAuthConfig } from './config/asset-auth.config.js';
import type { AssetAuthOptions } from './config/asset-auth.options.js';
import { createAssetAxios } from './http/asset-http.factory.js';
import { AssetHttpService } from './http/asset-http.service.js';
import { ClientConnections } from './token/endpoint/connections.js';
import type { AssetClock } from './config/clock.js';
import { AssetTokenService } from './token/token.service.js';

/** The client's name; `null` for the default one. */
export const ASSET_CLIENT_NAME: unique symbol = Symbol.for('nestjs-asset-auth:client-name') as never;

/** The providers of one client, in the order of the flow: config, connections, tokens, HTTP. */
export function clientProviders(name: string | undefined): Provider[] {
  return [
    { provide: ASSET_CLIENT_NAME, useValue: name ?? null },
    {
      provide: getAssetAuthConfigToken(name),
      inject: [getAssetAuthOptionsToken(name)],
      useFactory: (options: AssetAuthOptions) => new AssetAuthConfig(options),
    },
    {
      provide: ClientConnections,
      inject: [getAssetAuthConfigToken(name)],
      useFactory: (config: AssetAuthConfig) => new ClientConnections(config),
    },
    {
      provide: getAssetTokenServiceToken(name),
      inject: [getAssetAuthConfigToken(name), ClientConnections, ASSET_CLOCK],
      useFactory: (config: AssetAuthConfig, connections: ClientConnections, clock: AssetClock) =>
        new AssetTokenService(config, connections, clock),
    },
    {
      provide: getAssetHttpToken(name),
      inject: [
        getAssetAuthConfigToken(name),
        getAssetTokenServiceToken(name),
        ClientConnections,
        ASSET_CLOCK,
      ],
      useFactory: (
        config: AssetAuthConfig,
        tokens: AssetTokenService,
        connections: ClientConnections,
        clock: AssetClock,
      ) => new AssetHttpService(createAssetAxios({ config, tokens, connections, clock, client: name }), name),
    },
  ];
}

/** What a client's module offers to others. */
export const clientExports = (name: string | undefined): InjectionToken[] => [
  getAssetAuthConfigToken(name),
  getAssetTokenServiceToken(name),
  getAssetHttpToken(name),
];
