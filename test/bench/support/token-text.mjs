/** What the local server wrote into a token. */
export function claimsOf(token) {
  const payload = token.slice(token.indexOf('.') + 1, token.lastIndexOf('.'));
  return JSON.parse(Buffer.from(payload, 'base64url').toString('latin1'));
}

/** When a token of the local server really expires, in milliseconds since the epoch. */
export const expiryOf = (token) => claimsOf(token).expires_at_ms;
