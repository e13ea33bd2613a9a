import type { InternalAxiosRequestConfig } from 'axios';
import type { AssetHttpDefaults } from '../config/asset-auth.options.js';
import { ROUTE_OPTIONS } from '../token/endpoint/client-connections.js';
import { AssetRequestError } from './http.errors.js';

/**
 * Refuses a request that brings its own way out or its own credentials.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertPlainRequest(config: InternalAxiosRequestConfig, url: URL): void {
  assertOurWay(config, NO_ROUTE);
  assertPlainHeaders(config.headers, url);
}

/**
 * The same of a request that an adapter of the application hands on: it holds our route and our header already.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertHandedOn(config: InternalAxiosRequestConfig, url: URL, route: AssetHttpDefaults): void {
  assertOurWay(config, route);
  if (config.headers.has('Host')) assertHost(config.headers.get('Host'), url);
}

const NO_ROUTE: AssetHttpDefaults = Object.freeze({});

function assertOurWay(config: InternalAxiosRequestConfig, route: AssetHttpDefaults): void {
  for (const name of ROUTE_OPTIONS) {
    if (config[name] !== undefined && config[name] !== route[name]) {
      throw new AssetRequestError(
        `The request sets "${name}". Nothing was sent. The way to Asset is set up once, in the option http of AssetAuthModule, so that no single request can send a token elsewhere.`,
      );
    }
  }
  if (config.auth !== undefined) {
    throw new AssetRequestError(
      'The request sets "auth", which would replace the access token. Nothing was sent. Remove it.',
    );
  }
}

/**
 * Header names are compared as Node sends them, whatever kind of object an interceptor made of the headers.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
function assertPlainHeaders(headers: Readonly<Record<string, unknown>> | undefined, url: URL): void {
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined || value === null) continue;
    // Axios trims the names of what a transform put in place of its headers.
    const lowerCase = name.trim().toLowerCase();
    if (lowerCase === 'authorization') {
      throw new AssetRequestError(
        'The request brings its own Authorization header, which belongs to this client. Nothing was sent. Remove it, or use another HTTP client for calls with other credentials.',
      );
    }
    if (lowerCase === 'host') assertHost(value, url);
  }
}

/**
 * A front end that serves several hosts goes by this header, and so does TLS: the server of another one could be given
 * the token.
 *
 * @throws AssetRequestError `ASSET_REQUEST_NOT_ALLOWED`
 */
export function assertHost(value: unknown, url: URL): void {
  if (String(value).toLowerCase() === url.host) return;
  throw new AssetRequestError(
    `The request sets the header Host to another host than ${url.host}. Nothing was sent there. Remove it.`,
  );
}
