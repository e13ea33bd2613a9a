import { Controller, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type ClientProxy,
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { AssetAuthModule, AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { firstValueFrom, toArray } from 'rxjs';
import { afterThisTest } from '../../support/cleanup.js';
import { freePort } from '../../support/free-port.js';
import { startSandbox } from '../../support/sandbox.js';
import { expectSeen, moduleOf } from './application.fixture.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

@Controller()
@AssetScope('ledger:read')
@AssetBusiness((context) => context.switchToRpc().getData<string>())
class Handlers {
  constructor(private readonly ledgers: Ledgers) {}

  @MessagePattern('promise')
  promise(@Payload() id: string) {
    return this.ledgers.find(id);
  }

  @MessagePattern('observable')
  @AssetScope('ledger:create', 'ledger:read')
  observable(@Payload() id: string) {
    return this.ledgers.observe(id);
  }

  @EventPattern('event')
  async event(@Payload() id: string) {
    await this.ledgers.find(id);
  }
}

const tcp = (port: number) => ({ transport: Transport.TCP as const, options: { host: '127.0.0.1', port } });

function client(port: number): ClientProxy {
  const proxy = ClientProxyFactory.create(tcp(port));
  afterThisTest(() => {
    proxy.close();
  });
  return proxy;
}

const standalone = async () => {
  const [sandbox, port] = [await startSandbox(), await freePort()];
  const app: INestApplicationContext & { listen(): Promise<unknown> } =
    await NestFactory.createMicroservice<MicroserviceOptions>(
      moduleOf({
        imports: [AssetAuthModule.forRoot(sandbox.moduleOptions())],
        controllers: [Handlers],
        providers: [Ledgers],
      }),
      { ...tcp(port), logger: false },
    );
  afterThisTest(() => app.close());
  await app.listen();
  return { sandbox, id: sandbox.businesses[0]!.id, client: client(port) };
};

const hybrid = (inheritAppConfig: boolean) => async () => {
  const port = await freePort();
  const { sandbox, id } = await startOnSandbox(
    { controllers: [Handlers] },
    {
      configure: async (app) => {
        app.connectMicroservice<MicroserviceOptions>(tcp(port), { inheritAppConfig });
        await app.startAllMicroservices();
      },
    },
  );
  return { sandbox, id, client: client(port) };
};

describe.each([
  ['a standalone microservice', standalone],
  ['a hybrid application', hybrid(false)],
  ['a hybrid application that inherits its configuration', hybrid(true)],
])('T79 A message handler of %s asks with its scope and business', (_, open) => {
  it('returning a promise', async () => {
    const { sandbox, id, client } = await open();
    expect(await firstValueFrom(client.send<string>('promise', id))).toBe('200');
    expectSeen(sandbox, { scopes: ['ledger:read'], businessId: id });
  });

  it('returning an Observable, with scopes of its own', async () => {
    const { sandbox, id, client } = await open();
    expect(await firstValueFrom(client.send<string>('observable', id).pipe(toArray()))).toEqual(['200']);
    expectSeen(sandbox, { scopes: ['ledger:create', 'ledger:read'], businessId: id });
  });

  it('of an event', async () => {
    const { sandbox, id, client } = await open();
    await firstValueFrom(client.emit('event', id), { defaultValue: undefined });
    await sandbox.waitForRequest('api', { until: 'answered' });
    expectSeen(sandbox, { scopes: ['ledger:read'], businessId: id });
  });
});
