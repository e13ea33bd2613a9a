import { assetAuthOptionsFromEnv } from 'nestjs-asset-auth';

/**
 * A misspelled variable would be overlooked, and the sandbox started where Asset was meant.
 *
 * @throws Error that names the `ASSET_*` variables which no option is read from
 */
export function assertKnownVariables(env: Readonly<Record<string, string | undefined>>): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith('ASSET_') && !isRead(name));
  if (unknown.length === 0) return;
  throw new Error(
    `No option is read from ${unknown.join(', ')}. Correct the name, or unset it. The README tells the names, such as ASSET_CLIENT_ID and ASSET_CLIENT_SECRET.`,
  );
}

const isRead = (name: string): boolean => Object.keys(assetAuthOptionsFromEnv({ [name]: '' })).length > 0;
