/**
 * What reads the client secret, for an application that provides it, such as from a file that is replaced: it is asked anew
 * for each token request. Without it, `ASSET_CLIENT_SECRET` is the secret.
 */
export const CLIENT_SECRET = Symbol('CLIENT_SECRET');

export type ReadClientSecret = () => string | Promise<string>;
