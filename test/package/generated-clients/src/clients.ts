import type { AxiosInstance, AxiosRequestConfig } from 'axios';
import { OpenAPIClientAxios } from 'openapi-client-axios';
import { createClient } from './generated/client/index.js';
import { createLedger, listLedgers } from './generated/sdk.gen.js';
import document from './openapi.json' with { type: 'json' };

type Asked = Pick<AxiosRequestConfig, 'asset'>;

/** Two operations of the document, as a generated client calls them. */
export interface LedgerClient {
  list(businessId: string, asked?: Asked): Promise<readonly unknown[]>;
  create(businessId: string, asked?: Asked): Promise<unknown>;
}

const ledger = { name: 'Rent', type: 'expense' };

/** Each client, and how it is given the instance. */
export const clients: Readonly<Record<string, (axiosRef: AxiosInstance) => LedgerClient>> = {
  'hey-api': (axiosRef) => {
    const client = createClient({ axios: axiosRef, baseURL: '', throwOnError: true });
    const options = { client, throwOnError: true } as const;
    return {
      list: async (businessId, asked) =>
        (await listLedgers({ ...options, ...asked, path: { businessId } })).data.data,
      create: async (businessId, asked) =>
        (await createLedger({ ...options, ...asked, path: { businessId }, body: ledger })).data.data,
    };
  },
  'openapi-client-axios, by its runner': (axiosRef) =>
    operations({ axiosRunner: (config) => axiosRef.request(config) }),
  // Its package has axios' types for `require` only, and those for `import` are others.
  'openapi-client-axios, by its instance': (axiosRef) => operations({ axiosInstance: axiosRef as never }),
};

type ClientOptions = ConstructorParameters<typeof OpenAPIClientAxios>[0];

function operations(handedIn: Pick<ClientOptions, 'axiosRunner' | 'axiosInstance'>): LedgerClient {
  const definition = document as ClientOptions['definition'];
  const api = new OpenAPIClientAxios({ definition, ...handedIn } as ClientOptions).initSync();
  return {
    list: async (businessId, asked) => (await api.listLedgers!({ businessId }, undefined, asked)).data.data,
    create: async (businessId, asked) => (await api.createLedger!({ businessId }, ledger, asked)).data.data,
  };
}
