import { setImmediate as turn } from 'node:timers/promises';
import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { AssetAuthModule, type AssetAuthOptions, AssetHttpService } from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom, map, type Observable } from 'rxjs';
import { startSandbox } from '../../support/sandbox.js';
import { type ApplicationParts, type Seen, start } from './application.fixture.js';

/** Calls Asset about one business, and says nothing of scopes: its caller has declared them. */
@Injectable()
export class Ledgers {
  constructor(private readonly asset: AssetHttpService) {}

  observe(businessId: string): Observable<string> {
    return this.asset.get(`/v0/business/${businessId}/ledger`).pipe(map(({ status }) => `${status}`));
  }

  /** After the event loop has turned, as most code calls it. */
  async find(businessId: string): Promise<string> {
    await turn();
    return firstValueFrom(this.observe(businessId));
  }
}

/** An application with {@link Ledgers} on a sandbox, and what the sandbox is to have seen of a `ledger:read` call. */
export async function startOnSandbox(
  metadata: ModuleMetadata,
  parts?: ApplicationParts,
  options: Partial<AssetAuthOptions> = {},
) {
  const sandbox: AssetSandbox = await startSandbox();
  const { app, url } = await start(
    {
      ...metadata,
      imports: [
        AssetAuthModule.forRoot({ ...sandbox.moduleOptions(), ...options }),
        ...(metadata.imports ?? []),
      ],
      providers: [Ledgers, ...(metadata.providers ?? [])],
    },
    parts,
  );
  const { id } = sandbox.businesses[0]!;
  const read: Seen = { scopes: ['ledger:read'], businessId: id };
  return { app, url, sandbox, id, read };
}

/** Resolves when it is called. */
export function signal(): { readonly fired: Promise<void>; readonly fire: () => void } {
  let fire = (): void => {};
  const fired = new Promise<void>((resolve) => (fire = resolve));
  return {
    fired,
    fire: () => {
      fire();
    },
  };
}
