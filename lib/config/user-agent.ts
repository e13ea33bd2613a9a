// How requests name who sends them.
import axios from 'axios';

/** The same as in package.json, which not every bundler can import. */
export const VERSION = '0.1.0';

/**
 * `nestjs-asset-auth/<version>`, before what the option `http` names in `headers`, or else before axios' own, so that Asset's
 * support can tell from a log line which library and which application called (RFC 9110 §10.1.5).
 */
export function userAgent({ headers = {} }: { readonly headers?: object | undefined }): string {
  const { common = {} } = headers as { readonly common?: object };
  const given = [...Object.entries(common), ...Object.entries(headers)].findLast(isUserAgent);
  return `nestjs-asset-auth/${VERSION} ${given === undefined ? `axios/${axios.VERSION}` : String(given[1])}`;
}

/** Axios takes `false` and `null` for "send none": then it is ours and axios' all the same. */
const isUserAgent = ([name, value]: readonly [string, unknown]): boolean =>
  name.trim().toLowerCase() === 'user-agent' && typeof value === 'string' && value.trim() !== '';
