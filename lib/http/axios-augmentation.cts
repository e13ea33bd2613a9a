import type {} from 'axios';
import type { AssetRequestOptions } from './asset-request.js';

declare module 'axios' {
  // Without the type parameters of axios' own declaration: they differ between its versions, and all have defaults.
  interface AxiosRequestConfig {
    /** What the token of this request is asked for; `false`: the request carries none. */
    asset?: AssetRequestOptions | false | undefined;
  }
}
