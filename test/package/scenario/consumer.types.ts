// Compiled, never run: what an application's compiler must accept and refuse.
import { HttpService } from '@nestjs/axios';
import { type DynamicModule, Injectable, type INestApplication } from '@nestjs/common';
import type { AxiosRequestConfig } from 'axios';
import {
  type AssetApiError,
  AssetAuthModule,
  assetFetch,
  AssetHttpService,
  type AssetScopeName,
  type AssetTokenError,
  type AssetTokenHealth,
  type AssetTokenService,
  InjectAssetHttp,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { type AssetOperation, type OpenApiDocument, withAssetScopes } from 'nestjs-asset-auth/openapi';
import { type AssetTokenStore, redisTokenStore } from 'nestjs-asset-auth/store';
import { AssetSandbox, assetTokenStoreCases, ManualClock } from 'nestjs-asset-auth/testing';
import type { Observable } from 'rxjs';

@Injectable()
export class Ledgers {
  constructor(
    private readonly asset: AssetHttpService,
    @InjectAssetHttp('eu') private readonly eu: AssetHttpService,
  ) {}

  narrowed(): Observable<unknown> {
    return this.asset.get('/v0/business', { asset: { scopes: ['business:read'], businessId: null } });
  }

  anonymous(): Observable<unknown> {
    return this.eu.post('/v0/echo', { any: 'body' }, { asset: false, timeout: 100 });
  }

  misspelled(): Observable<unknown> {
    // @ts-expect-error An option that does not exist.
    return this.asset.get('/v0/business', { asset: { scope: 'business:read' } });
  }

  mistaken(): Observable<unknown> {
    // @ts-expect-error Only false switches the token off.
    return this.asset.get('/v0/business', { asset: true });
  }

  answer(): Promise<string> {
    return this.asset.axiosRef.get<string>('/v0/echo', { asset: false }).then(({ data }) => data);
  }
}

export const config: AxiosRequestConfig = { url: '/v0/business', asset: { scopes: 'business:read' } };
export const httpServiceOf = (asset: AssetHttpService): HttpService => asset;
export const scopeNames: readonly AssetScopeName[] = ['ledger:read', 'a:scope.of.tomorrow'];
export const clock = new ManualClock();
export const fetchOf = (asset: AssetHttpService): typeof fetch => assetFetch(asset, { businessId: null });
export const idsOf = (api: AssetApiError, token: AssetTokenError): (string | undefined)[] => [
  api.requestId,
  token.requestId,
];
export const idOf = (error: unknown): string | undefined =>
  isAssetAuthError(error) ? error.requestId : undefined;

export function givenUp(tokens: AssetTokenService): AssetTokenHealth['status'] {
  tokens.invalidate({ businessId: 'biz_1', scopes: ['ledger:read'] });
  // @ts-expect-error A filter that does not exist.
  tokens.invalidate({ business: 'biz_1' });
  tokens.invalidateAll();
  return tokens.health().status;
}
export const documented = (app: INestApplication, create: () => OpenApiDocument): OpenApiDocument =>
  withAssetScopes(app, create);
export const asked: AssetOperation = { scopes: ['ledger:read'], business: 'businessId' };
export const store: AssetTokenStore = redisTokenStore((command, key) => Promise.resolve([...command, key]));
export const contract = assetTokenStoreCases.map(([title, run]) => ({
  title,
  ended: run(store, () => title),
}));

export async function moduleOn(sandbox: AssetSandbox): Promise<DynamicModule> {
  await sandbox.waitForRequest('token');
  return AssetAuthModule.forRoot({
    ...sandbox.moduleOptions(),
    name: 'eu',
    isGlobal: false,
    store,
    storeKeys: [''],
  });
}
