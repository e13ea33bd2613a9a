/** When a token of the local server really expires, in milliseconds since the epoch. */
export function expiryOf(token) {
  const payload = token.slice(token.indexOf('.') + 1, token.lastIndexOf('.'));
  return JSON.parse(Buffer.from(payload, 'base64url').toString('latin1')).expires_at_ms;
}
