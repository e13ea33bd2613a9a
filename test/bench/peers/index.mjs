// Each peer is called as its own documentation says. `create` answers how to get one token:
//   ask()          the peer's own call and promise, with nothing around it
//   textOf(answer) the access token in what it resolves with
// `renewAheadMs` is the time before expiry at which a token is renewed, for peers that can be told.

import * as axiosAuthRefresh from './axios-auth-refresh.mjs';
import * as axiosTokenInterceptor from './axios-token-interceptor.mjs';
import * as badgateway from './badgateway-oauth2-client.mjs';
import * as google from './google-auth-library.mjs';
import * as msal from './msal-node.mjs';
import * as openid from './openid-client.mjs';
import * as simple from './simple-oauth2.mjs';

/** Peers that hold on to a token and hand it out. */
export const caching = [msal, google, badgateway, axiosTokenInterceptor];

/** Peers of which every call is a token request. */
export const uncached = [openid, simple];

/** Learns from a 401 that it needs a token: it has no way to ask for one. */
export const reactive = [axiosAuthRefresh];

/** The token's text, of what a peer's `create` answered. */
export const tokenGetter =
  ({ ask, textOf }) =>
  async () =>
    textOf(await ask());
