import { AsyncResource } from 'node:async_hooks';

/**
 * Made when the library is loaded, so that it belongs to no request, span or invocation. What serves everybody runs in
 * it: a token request that one caller began, a timer for the whole client. In the context of whoever happened to come
 * first, it would show up in that one's trace, and keep all that hangs on the context in memory.
 */
const NOBODYS = new AsyncResource('AssetAuth');

/** Runs the function in nobody's async context. */
export const detached = <T>(run: () => T): T => NOBODYS.runInAsyncScope(run);
