import type { AssetSandbox } from '../../../lib/testing/index.js';

export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Posts a form to the sandbox's token endpoint: its own credentials, unless `fields` says otherwise. */
export function postToken(sandbox: AssetSandbox, fields: Fields = {}): Promise<Response> {
  const form = new URLSearchParams();
  const all: Fields = { client_id: sandbox.clientId, client_secret: sandbox.clientSecret, ...fields };
  for (const [name, value] of Object.entries(all)) {
    for (const one of value === undefined ? [] : [value].flat()) {
      form.append(name, one);
    }
  }
  return fetch(`${sandbox.url}/v0/auth/token`, { method: 'POST', body: form });
}

export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: unknown;
}

/** A token, or a failed test. */
export async function getToken(sandbox: AssetSandbox, fields: Fields = {}): Promise<TokenAnswer> {
  const response = await postToken(sandbox, fields);
  const text = await response.text();
  expect([response.status, response.status === 200 || text]).toEqual([200, true]);
  return JSON.parse(text) as TokenAnswer;
}

export interface CallOptions {
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls the sandbox's API with a token. */
export function call(
  sandbox: AssetSandbox,
  token: string,
  path: string,
  { method = 'GET', json, headers = {} }: CallOptions = {},
): Promise<Response> {
  return fetch(sandbox.url + path, {
    method,
    redirect: 'manual',
    headers: {
      authorization: `Bearer ${token}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
}

/** An answer's JSON, as whatever the test knows it to be. */
export async function json<T = Record<string, unknown>>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

/** Gives every started sandbox of a test file its end. */
export function sandboxes(): { readonly keep: (sandbox: AssetSandbox) => AssetSandbox } {
  const kept: AssetSandbox[] = [];
  afterEach(async () => {
    await Promise.all(kept.splice(0).map((sandbox) => sandbox.close()));
  });
  return {
    keep: (sandbox) => {
      kept.push(sandbox);
      return sandbox;
    },
  };
}
