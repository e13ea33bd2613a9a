import { createHmac } from 'node:crypto';

/** A JWS in compact form, signed with HS256 (RFC 7515, RFC 7518 §3.2). */
export function signJwt(claims: object, key: string): string {
  const content = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${content}.${createHmac('sha256', key).update(content).digest('base64url')}`;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
