import { Global, Inject, Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { AssetAuthModule, AssetTokenService, isAssetAuthError } from 'nestjs-asset-auth';
import type { AssetAuthOptions } from 'nestjs-asset-auth';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { eventually } from '../../support/eventually.js';
import { recordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { bootError, start } from './application.fixture.js';

const SANDBOX = Symbol('sandbox');

/** A store of secrets that has to connect first, as Nest documents it. */
@Injectable()
class Vault implements OnModuleInit {
  #secret: string | undefined;

  constructor(@Inject(SANDBOX) private readonly sandbox: AssetSandbox) {}

  async onModuleInit() {
    await new Promise((resolve) => setImmediate(resolve));
    this.#secret = this.sandbox.moduleOptions().clientSecret;
  }

  read(): string {
    if (this.#secret === undefined) throw new Error('The vault is not connected.');
    return this.#secret;
  }
}

function vaultModule(sandbox: AssetSandbox) {
  @Module({ providers: [{ provide: SANDBOX, useValue: sandbox }, Vault], exports: [Vault] })
  class VaultModule {}
  return VaultModule;
}

function withVault(sandbox: AssetSandbox, options: Partial<AssetAuthOptions>) {
  const vault = vaultModule(sandbox);
  const client = AssetAuthModule.forRootAsync({
    imports: [vault],
    inject: [Vault],
    useFactory: (store: Vault) => ({
      ...sandbox.moduleOptions(),
      scopes: 'ledger:read',
      clientSecret: () => store.read(),
      ...options,
    }),
  });
  return { vault, client };
}

describe('T110 The tokens of the start', () => {
  it.each(['warm', 'required'] as const)(
    'with %s are asked for with a secret of a provider that connects in onModuleInit',
    async (startup) => {
      const sandbox = await startSandbox();
      const logger = recordingLogger();
      const { vault, client } = withVault(sandbox, { startup });
      const { app } = await start({ imports: [client, vault] }, { logger });
      const tokens = app.get(AssetTokenService);
      await eventually(() => tokens.peekAccessToken() !== undefined);
      expect(sandbox.tokenRequests).toHaveLength(1);
      expect(logger.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([]);
    },
  );

  it('also where the provider belongs to a global module that is imported last', async () => {
    const sandbox = await startSandbox();
    const { vault, client } = withVault(sandbox, { startup: 'required' });
    Global()(vault);
    const { app } = await start({ imports: [client, vault] });
    expect(app.get(AssetTokenService).peekAccessToken()).toBeDefined();
  });

  it('with required refuse the start before the application listens', async () => {
    const sandbox = await startSandbox();
    sandbox.fail('token', { status: 401 }, Infinity);
    let listened = false;
    const { vault, client } = withVault(sandbox, { startup: 'required' });
    const started = start(
      { imports: [client, vault] },
      {
        configure: (app) => {
          (app.getHttpServer() as NodeJS.EventEmitter).on('listening', () => {
            listened = true;
          });
        },
      },
    );
    const error: unknown = await started.catch((reason: unknown) => reason);
    expect(isAssetAuthError(error, 'ASSET_CREDENTIALS_REJECTED')).toBe(true);
    expect(listened).toBe(false);
  });

  it.each(['warm', 'required'] as const)('with %s are those that the option names', async (mode) => {
    const sandbox = await startSandbox();
    const businessId = sandbox.businesses[0]!.id;
    const { app } = await start({
      imports: [
        AssetAuthModule.forRoot({
          ...sandbox.moduleOptions(),
          startup: {
            mode,
            requests: [
              { scopes: 'ledger:read' },
              { scopes: ['report:read', 'ledger:read'], businessId },
              { scopes: ['ledger:read'] },
            ],
          },
        }),
      ],
    });
    const tokens = app.get(AssetTokenService);
    const isThere = () =>
      tokens.peekAccessToken({ scopes: 'ledger:read' }) !== undefined &&
      tokens.peekAccessToken({ scopes: ['ledger:read', 'report:read'], businessId }) !== undefined;
    await eventually(isThere);
    expect(sandbox.tokenRequests.map(({ form }) => form.scope).sort()).toEqual([
      'ledger:read',
      'ledger:read report:read',
    ]);
  });

  it('with required refuse the start when one of several cannot be had', async () => {
    const sandbox = await startSandbox();
    const error = await bootError({
      imports: [
        AssetAuthModule.forRoot({
          ...sandbox.moduleOptions(),
          startup: { mode: 'required', requests: [{ scopes: 'ledger:read' }, { scopes: 'payroll:run' }] },
        }),
      ],
    });
    expect(isAssetAuthError(error, 'ASSET_SCOPE_REJECTED')).toBe(true);
  });
});
