import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { ReadableStream, TransformStream } from 'node:stream/web';
import { firstValueFrom } from 'rxjs';
import { isAssetAuthError } from '../config/asset-auth.errors.js';
import type { AssetHttpService } from './asset-http.service.js';
import type { AssetRequestOptions } from './asset-request.js';
import { AssetRequestError } from './http.errors.js';

/** What matters here of an axios response. */
interface StreamedAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Iterable<readonly [string, unknown]>;
  readonly data: Readable;
  /** Of the request that was answered: after redirects, the last one. */
  readonly request?: { readonly res?: { readonly responseUrl: string } };
}

/** Statuses that have no body (WHATWG Fetch, "null body status"). */
const NULL_BODY = [204, 205, 304];

/**
 * The same client for code that takes a `fetch`, such as openapi-fetch or an MCP client: each request gets a token, is
 * checked, and sent again after a 401, as with the verbs of {@link AssetHttpService}. An address without origin is Asset's.
 *
 * As with any `fetch`, a status is no error, and the answer is a stream; `http.timeout` ends with its head. The body of a
 * request is read first, so that it can be sent again. A redirect is refused unless `maxRedirects` of the option `http` says
 * otherwise; with `redirect: 'manual'` it is the answer. Rejects with the signal's reason when that aborts, with this
 * library's errors where nothing was sent or no token was had, else with a `TypeError` whose `cause` is the network's.
 *
 * @param ask - what the tokens are asked for; what is left out comes from the view, the scope in force or the defaults
 *
 * @example
 * ```ts
 * const api = createClient<paths>({ baseUrl: origin, fetch: assetFetch(asset, { scopes: ['ledger:read'] }) });
 * ```
 */
export function assetFetch(asset: AssetHttpService, ask?: AssetRequestOptions): typeof fetch {
  return async (input, init) => {
    const { baseURL } = asset.axiosRef.defaults;
    const isAddress = typeof input === 'string' || input instanceof URL;
    const request = new Request(isAddress ? new URL(input, baseURL) : input, init);
    assertHttp(request);
    // Not the request's own, which only follows it. `null` is said, and means none.
    const signal = (init?.signal === undefined && !isAddress ? input.signal : init?.signal) ?? undefined;
    try {
      const data = await bytesOf(request, signal);
      const answer = await firstValueFrom(
        asset.request<Readable>({
          url: request.url,
          method: request.method,
          // Of a body whose type nobody says, axios would say that it is a form.
          headers: { 'content-type': false, ...Object.fromEntries(request.headers) },
          data,
          transformRequest: (body: unknown) => body,
          validateStatus: (status: number) => request.redirect === 'manual' || !isRedirect(status),
          responseType: 'stream',
          ...(signal !== undefined && { signal }),
          ...(ask !== undefined && { asset: ask }),
          ...(request.redirect !== 'follow' && { maxRedirects: 0 }),
        }),
      );
      return responseOf(answer as unknown as StreamedAnswer, request, signal);
    } catch (error) {
      const { response } = Object(error) as { readonly response?: StreamedAnswer };
      // One that leads nowhere.
      if (response !== undefined && !isAssetAuthError(error)) return responseOf(response, request, signal);
      throw rejectionOf(error, signal);
    }
  };
}

/** WHATWG Fetch, "redirect status". */
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status);

/** To axios, what has no `//` is a path, and would be asked of Asset. */
function assertHttp({ url }: Request): void {
  const { protocol } = new URL(url);
  if (protocol === 'https:' || protocol === 'http:') return;
  throw new AssetRequestError(
    `The address has the protocol "${protocol}", but Asset is reached by https. Nothing was sent. Write a path of Asset's, or all of its address.`,
  );
}

/** The body of a request, once it is read; a signal that aborts ends that, and whatever makes the body. */
async function bytesOf({ body }: Request, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  if (body === null) return undefined;
  const stream = body as ReadableStream<Uint8Array>;
  return buffer(stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal }));
}

function responseOf(
  answer: StreamedAnswer,
  { method, url }: Request,
  signal: AbortSignal | undefined,
): Response {
  const { status, statusText, data, request } = answer;
  const isEmpty = NULL_BODY.includes(status) || isRedirect(status) || method === 'HEAD';
  // Nobody would read it, and its socket would never be free.
  if (isEmpty) data.resume();
  const body = isEmpty ? null : bodyOf(data, signal);
  const response = new Response(body as ConstructorParameters<typeof Response>[0], {
    status,
    statusText,
    headers: headersOf(answer),
  });
  Object.defineProperty(response, 'url', { value: request?.res?.responseUrl ?? url });
  return response;
}

/** Where it breaks off, it does so as the body of any `fetch`, and not with an error of axios'. */
function bodyOf(data: Readable, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
  const reader = (Readable.toWeb(data) as ReadableStream<Uint8Array>).getReader();
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(rejectionOf(error, signal));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    // Read ahead is in the stream already.
    { highWaterMark: 0 },
  );
}

function headersOf({ headers, data }: StreamedAnswer): Headers {
  const result = new Headers();
  for (const [name, value] of headers) {
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) result.append(name, String(one));
  }
  // Decompressed, it is longer than was said.
  if (!(data instanceof IncomingMessage)) {
    result.delete('content-length');
    result.delete('content-encoding');
  }
  return result;
}

function rejectionOf(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true) return signal.reason;
  return isAssetAuthError(error) ? error : new TypeError('fetch failed', { cause: error });
}
