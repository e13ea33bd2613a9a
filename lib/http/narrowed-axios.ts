import type { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { AssetRequest, type Narrowing, ownValue } from './asset-request.js';

type Axios = HttpService['axiosRef'];
type Send = (...args: unknown[]) => unknown;

/** Verbs by where their config stands. `request`, like the instance itself, also takes the address before it. */
const CONFIG_AT: Readonly<Record<string, number>> = {
  get: 1,
  delete: 1,
  head: 1,
  options: 1,
  post: 2,
  put: 2,
  patch: 2,
  query: 2,
  postForm: 2,
  putForm: 2,
  patchForm: 2,
};

/**
 * The axios instance of a narrowed view: the client's own, with its interceptors and defaults, whose calls ask for what
 * the view says. Generated clients are handed this, and would otherwise be given the client's full grant.
 */
export function narrowedAxios(instance: Axios, narrowing: Narrowing, client: string | undefined): Axios {
  const narrowed = (send: Send, args: readonly unknown[], at: number): unknown => {
    const config = (args[at] ?? {}) as { readonly asset?: unknown };
    const own = ownValue(config, 'asset');
    const asset = own === undefined ? ownValue(instance.defaults as typeof config, 'asset') : own;
    const [before, after] = [Array.from({ length: at }, (_, i) => args[i]), args.slice(at + 1)];
    return send(...before, { ...config, asset: AssetRequest.of(asset, narrowing, client) }, ...after);
  };
  // Some clients hang their operations on the instance that they are given (openapi-client-axios), unless there are some
  // already. On the shared one, the operations of another view would be found there and call with that view's token.
  const added = Object.create(null) as Record<PropertyKey, unknown>;
  const configOfRequest = ([first]: readonly unknown[]): number => (typeof first === 'string' ? 1 : 0);
  return new Proxy(instance, {
    apply: (target, _this, args: unknown[]) => narrowed(target as Send, args, configOfRequest(args)),
    has: (target, name) => name in added || (name in axios && name in target),
    set: (_target, name, value) => {
      added[name] = value;
      return true;
    },
    defineProperty: (_target, name, descriptor) => Reflect.defineProperty(added, name, descriptor),
    deleteProperty: (_target, name) => Reflect.deleteProperty(added, name),
    get: (target, name, receiver) => {
      if (name in added) return added[name];
      if (!(name in axios)) return undefined;
      const value: unknown = Reflect.get(target, name, receiver);
      if (typeof value !== 'function' || typeof name !== 'string') return value;
      const send = value as Send;
      if (name === 'request') return (...args: unknown[]) => narrowed(send, args, configOfRequest(args));
      const at = Object.hasOwn(CONFIG_AT, name) ? CONFIG_AT[name] : undefined;
      return at === undefined ? value : (...args: unknown[]) => narrowed(send, args, at);
    },
  });
}
