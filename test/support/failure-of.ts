import { type Observable, lastValueFrom } from 'rxjs';
import { wasCaught } from './no-secrets.js';

/** What a call fails with; it is a mistake of the test if it does not. Secrets are looked for in it after the test. */
export async function failureOf(
  call: Observable<unknown> | Promise<unknown>,
): Promise<Error & Record<string, unknown>> {
  try {
    await (call instanceof Promise ? call : lastValueFrom(call, { defaultValue: undefined }));
  } catch (error) {
    wasCaught(error);
    return error as Error & Record<string, unknown>;
  }
  throw new Error('The call was expected to fail.');
}
