/** The package has no types of its own. */
declare module 'follow-redirects' {
  import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';

  interface FollowingTransport {
    request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest;
  }
  const followRedirects: { readonly http: FollowingTransport; readonly https: FollowingTransport };
  export default followRedirects;
}
