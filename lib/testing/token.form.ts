import type { IncomingHttpHeaders } from 'node:http';
import type { SandboxTokenRequest } from './sandbox.request.js';

/** The fields of a form-encoded body, before anything is redacted. */
export type TokenForm = Readonly<Record<string, string | readonly string[]>>;

/** Reads the body as a form; `undefined` unless it was sent as one. */
export function readForm(headers: Readonly<IncomingHttpHeaders>, body: Buffer): TokenForm | undefined {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return undefined;
  }
  const fields = new URLSearchParams(body.toString('utf8'));
  return Object.fromEntries(
    [...new Set(fields.keys())].map((name) => {
      const values = fields.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

/** The form as it goes on record. */
export function redactForm(form: TokenForm | undefined): SandboxTokenRequest['form'] {
  return {
    ...form,
    ...(form !== undefined && Object.hasOwn(form, 'client_secret') && { client_secret: '[redacted]' }),
  };
}
