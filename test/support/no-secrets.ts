import { Readable } from 'node:stream';
import { isAxiosError } from 'axios';
import { type AssetSandbox, expectNoSecrets } from 'nestjs-asset-auth/testing';
import './cleanup.js';

/** What this test has to keep to itself: the tokens of the sandboxes that it started, and the client secrets it went by. */
const sandboxes = new Set<AssetSandbox>();
const clientSecrets = new Set<string>();
/** What it caught and logged. Sets, since a thousand callers are told of one error, and applications log alike. */
const caught = new Set<unknown>();
const logged = new Set<unknown>();

/** Nothing that this test catches or logs may hold a secret or token of the sandbox. */
export function keepSecretsOf(sandbox: AssetSandbox): void {
  sandboxes.add(sandbox);
  noteClientSecrets();
}

/** As {@link keepSecretsOf}, for a client secret that no sandbox knows. */
export function keepSecret(clientSecret: string): void {
  clientSecrets.add(clientSecret);
}

/** Takes down an error, to be searched when the test is over and all its secrets are known. */
export function wasCaught(error: unknown): void {
  noteClientSecrets();
  caught.add(error);
}

/** Takes down what was logged, to be searched likewise. */
export function wasLogged(parts: readonly unknown[]): void {
  noteClientSecrets();
  for (const part of parts) logged.add(part);
}

// Time and again, since a sandbox forgets a secret that was rotated.
function noteClientSecrets(): void {
  for (const { clientSecret } of sandboxes) clientSecrets.add(clientSecret);
}

/** What gives tokens away. All JWTs begin alike: to look for that is stricter than for each of thousands, and quicker. */
function marksOf({ issuedTokens }: AssetSandbox): readonly string[] {
  return issuedTokens.map((token) => (token.startsWith('eyJ') ? token.replace(/\..*/, '') : token));
}

interface Answer {
  headers: unknown;
  data: unknown;
}

/**
 * Puts the headers of an error's answer and a streamed body out of sight: a server may say what it likes, and the way
 * from a stream to its socket, which has sent the token, is documented.
 */
function hideWhatTheServerSaid(error: unknown): void {
  const answer: Answer | undefined = isAxiosError(error) ? error.response : undefined;
  if (answer === undefined) return;
  answer.headers = undefined;
  if (answer.data instanceof Readable) answer.data = undefined;
}

/** Fails if anything that was taken down holds a secret, and forgets it all. */
export function expectNothingLetOut(): void {
  noteClientSecrets();
  const secrets = [...new Set([...clientSecrets, ...[...sandboxes].flatMap(marksOf)])];
  const found = { caught: [...caught], logged: [...logged] };
  for (const set of [sandboxes, clientSecrets, caught, logged]) set.clear();
  found.caught.forEach(hideWhatTheServerSaid);
  if (secrets.length > 0) expectNoSecrets(found, secrets);
}

// Hooks run in the order in which they were set, so this one comes after the clean-up, which may log something too.
afterEach(expectNothingLetOut);
