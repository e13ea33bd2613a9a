import axios, { AxiosError, type InternalAxiosRequestConfig } from 'axios';
import { isAssetAuthError } from '../config/asset-auth.errors.js';

/**
 * What a call rejects with, as all that is built on axios expects it: an error that `isAxiosError` knows, with the config
 * of this very call. Caches find by it what they have to clean up, and health checks whose failure it is.
 *
 * An error of ours keeps its class, name, code and message. It is copied, since all callers that wait for one token are
 * told of one error, and the config of none of them is for the others. With several clients, it says which one failed.
 *
 * @param client - the client's name; `undefined` for the default one
 */
export function errorOfCall(error: unknown, config: InternalAxiosRequestConfig, client?: string): unknown {
  if (client !== undefined && isAssetAuthError(error)) {
    const prefix = `client ${client}: `;
    // Those of tokens say it themselves, and a call that an adapter hands on comes by twice.
    const isNamed = 'client' in error || error.message.startsWith(prefix);
    const named = isNamed ? error.message : prefix + error.message;
    if (axios.isAxiosError(error)) return Object.assign(error, { message: named });
    return copyFor(error, { config, isAxiosError: true, toJSON: toPlainObject, message: named });
  }
  if (axios.isAxiosError(error)) return error.config === undefined ? copyFor(error, { config }) : error;
  if (isAssetAuthError(error)) return copyFor(error, { config, isAxiosError: true, toJSON: toPlainObject });
  // By its looks: an error of Node's is no instance of this realm's `Error` under Jest.
  const { message } = Object(error) as { readonly message?: unknown };
  // What is no error at all comes from an adapter of the application, which knows what it means.
  return typeof message === 'string' ? AxiosError.from(error, undefined, config) : error;
}

/** The same error once more, with what one call adds to it. Loggers walk what is enumerable, and a config is long. */
function copyFor(error: Error, added: object): Error {
  // Made by `Error`, so that it prints as one.
  const copy = new Error(error.message);
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object);
  const { stack } = error;
  const own = Object.getOwnPropertyDescriptors(error);
  Object.defineProperties(copy, { ...own, stack: { value: stack, writable: true, configurable: true } });
  for (const [name, value] of Object.entries(added)) {
    Object.defineProperty(copy, name, { value: value as unknown, writable: true, configurable: true });
  }
  return copy;
}

/** As an `AxiosError` has it, but without the config. */
function toPlainObject(this: Error): object {
  return Object.assign({ message: this.message }, this);
}
