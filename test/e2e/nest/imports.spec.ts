import { Controller, Get, Injectable, Module } from '@nestjs/common';
import {
  AssetAuthModule,
  type AssetAuthOptions,
  AssetHttpService,
  isAssetAuthError,
} from 'nestjs-asset-auth';
import { bootError, moduleOf, start } from './application.fixture.js';

const OPTIONS: AssetAuthOptions = {
  baseUrl: 'http://127.0.0.1:1',
  clientId: 'client-id',
  clientSecret: 'not-to-be-shown',
};

@Controller()
class Ledgers {
  constructor(private readonly asset: AssetHttpService) {}
  @Get()
  get() {
    return typeof this.asset.get;
  }
}

@Module({ imports: [AssetAuthModule], controllers: [Ledgers] })
class LedgersModule {}

@Module({ imports: [LedgersModule] })
class Nested {}

const forRoot = () => AssetAuthModule.forRoot(OPTIONS);
const forRootAsync = () => AssetAuthModule.forRootAsync({ useFactory: () => Promise.resolve(OPTIONS) });
const named = () => AssetAuthModule.forRoot({ ...OPTIONS, name: 'eu' });

describe('T114 The class AssetAuthModule in the imports of a module', () => {
  it.each([
    ['after forRoot', () => [forRoot(), LedgersModule]],
    ['before forRoot', () => [LedgersModule, forRoot()]],
    ['beside forRootAsync', () => [forRootAsync(), LedgersModule]],
    ['beside a named client', () => [named(), LedgersModule]],
    ['deep below', () => [Nested, forRoot()]],
    ['twice', () => [forRoot(), Nested, LedgersModule]],
  ])('is refused in words that say to leave it out: %s', async (_, imports) => {
    const error = await bootError({ imports: imports() });
    expect(isAssetAuthError(error, 'ASSET_CONFIG_INVALID')).toBe(true);
    expect(error.message).toBe(
      'The options of AssetAuthModule cannot be used:\n  - imports: LedgersModule imports the class AssetAuthModule itself. The client is registered already, and AssetAuthModule is global: leave the import out there. With isGlobal: false, import the module that registers it, and let that one export AssetAuthModule',
    );
  });

  it('is refused in the root module, too, and where nothing is registered', async () => {
    const beside = await bootError({ imports: [AssetAuthModule, forRoot()] });
    expect(beside.message).toContain('imports: AppModule imports the class AssetAuthModule itself');
    const alone = await bootError({ imports: [AssetAuthModule] });
    expect(alone.message).toMatch(/AppModule imports .* Import AssetAuthModule.forRoot/);
    expect(isAssetAuthError(alone, 'ASSET_CONFIG_INVALID')).toBe(true);
  });

  it('is told apart from that of another copy of the package', async () => {
    // A subclass is another class with the same metadata, as that of another copy is.
    @Module({})
    class OtherCopy extends AssetAuthModule {}
    const error = await bootError({ imports: [forRoot(), moduleOf({ imports: [OtherCopy] })] });
    expect(error.message).toContain('the AssetAuthModule of another copy of nestjs-asset-auth');
  });

  it('stands in the exports of a module that registers a client, which others import', async () => {
    @Injectable()
    class Uses {
      constructor(readonly asset: AssetHttpService) {}
    }
    @Module({
      imports: [AssetAuthModule.forRoot({ ...OPTIONS, isGlobal: false })],
      exports: [AssetAuthModule],
    })
    class Shared {}
    const Feature = moduleOf({ imports: [Shared], providers: [Uses] });
    const { app } = await start({ imports: [Feature] });
    expect(app.get(Uses, { strict: false }).asset).toBeInstanceOf(AssetHttpService);
  });
});
