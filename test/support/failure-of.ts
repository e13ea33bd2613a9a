import { type Observable, lastValueFrom } from 'rxjs';

/** What a call fails with; it is a mistake of the test if it does not. */
export async function failureOf(
  call: Observable<unknown> | Promise<unknown>,
): Promise<Error & Record<string, unknown>> {
  try {
    await (call instanceof Promise ? call : lastValueFrom(call, { defaultValue: undefined }));
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('The call was expected to fail.');
}
