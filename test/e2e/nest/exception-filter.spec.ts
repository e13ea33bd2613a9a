import { once } from 'node:events';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type ArgumentsHost, Controller, Inject, UseFilters } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AssetAuthExceptionFilter, AssetBusiness, AssetRequestError, AssetScope } from 'nestjs-asset-auth';
import { firstValueFrom } from 'rxjs';
import { WebSocket } from 'ws';
import { afterThisTest } from '../../support/cleanup.js';
import { freePort } from '../../support/free-port.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

const PassingFilter = AssetAuthExceptionFilter.with({ passOn: [422] });

@WebSocketGateway()
@UseFilters(AssetAuthExceptionFilter)
@AssetScope('ledger:read')
@AssetBusiness((context) => context.switchToWs().getData<string>())
class LedgersGateway {
  constructor(private readonly ledgers: Ledgers) {}

  @SubscribeMessage('promise')
  async promise(@MessageBody() id: string) {
    return { event: 'answer', data: await this.ledgers.find(id) };
  }

  @SubscribeMessage('observable')
  observable(@MessageBody() id: string) {
    return this.ledgers.observe(id);
  }
}

@WebSocketGateway()
@UseFilters(PassingFilter)
@AssetScope('ledger:read')
@AssetBusiness((context) => context.switchToWs().getData<string>())
class PassingGateway {
  constructor(private readonly ledgers: Ledgers) {}

  @SubscribeMessage('promise')
  async promise(@MessageBody() id: string) {
    return { event: 'answer', data: await this.ledgers.find(id) };
  }
}

describe('AssetAuthExceptionFilter on a gateway', () => {
  it.each(['promise', 'observable'])(
    'tells the client of a failed %s, and goes on serving',
    async (event) => {
      const { url, sandbox, id } = await startOnSandbox(
        { providers: [LedgersGateway] },
        { configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)) },
      );
      const socket = new WebSocket(url.replace('http', 'ws'));
      await once(socket, 'open');
      const answerTo = async (message: object): Promise<unknown> => {
        socket.send(JSON.stringify(message));
        const [answer] = (await once(socket, 'message')) as [Buffer];
        return JSON.parse(answer.toString());
      };
      expect(await answerTo({ event, data: 'nonsense' })).toMatchObject({
        event: 'exception',
        data: { status: 'error' },
      });
      sandbox.fail('token', { status: 429 });
      expect(await answerTo({ event, data: id })).toEqual({
        event: 'exception',
        data: { status: 'error', message: 'Service Unavailable' },
      });
      expect(await answerTo({ event: 'promise', data: 'nonsense' })).toMatchObject({ event: 'exception' });
      socket.close();
      await once(socket, 'close');
    },
  );
});

/** What a gateway's filter is called with, as far as the filter looks. */
const hostOf = (type: string, client: object): ArgumentsHost =>
  ({ getType: () => type, switchToWs: () => ({ getClient: () => client }) }) as unknown as ArgumentsHost;

describe('AssetAuthExceptionFilter with a client of a gateway', () => {
  const failWith = (client: object, type = 'ws'): unknown =>
    new AssetAuthExceptionFilter().catch(new AssetRequestError('a secret detail'), hostOf(type, client));
  const said = { status: 'error', message: 'Internal Server Error' };

  it('of Socket.IO emits the event', () => {
    const emitted: unknown[][] = [];
    failWith({ emit: (...given: unknown[]) => emitted.push(given) });
    expect(emitted).toEqual([['exception', said]]);
  });

  it('that cannot be told throws nothing', () => {
    const gone = (): never => {
      throw new Error('not open');
    };
    expect(() => failWith({ readyState: 0, send: gone })).not.toThrow();
    expect(() => failWith({ emit: gone })).not.toThrow();
  });

  it('of which nothing is known throws what says no more', () => {
    expect(() => failWith({}, 'another')).toThrow(said.message);
  });
});

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
  observable(@Payload() id: string) {
    return this.ledgers.observe(id);
  }
}

const filters = [{ provide: APP_FILTER, useClass: AssetAuthExceptionFilter }];

describe('AssetAuthExceptionFilter on a microservice', () => {
  it.each(['promise', 'observable'])(
    'tells the caller of a failed %s, and goes on serving',
    async (pattern) => {
      const tcp = {
        transport: Transport.TCP as const,
        options: { host: '127.0.0.1', port: await freePort() },
      };
      const { sandbox, id } = await startOnSandbox(
        { controllers: [Handlers], providers: filters },
        {
          configure: async (app) => {
            app.connectMicroservice<MicroserviceOptions>(tcp, { inheritAppConfig: true });
            await app.startAllMicroservices();
          },
        },
      );
      const client = ClientProxyFactory.create(tcp);
      afterThisTest(() => {
        client.close();
      });
      sandbox.fail('api', { status: 403 });
      await expect(firstValueFrom(client.send<string>(pattern, id))).rejects.toEqual({
        status: 'error',
        message: 'Bad Gateway',
      });
      expect(await firstValueFrom(client.send<string>(pattern, id))).toBe('200');
    },
  );
});

@Resolver()
class StatusResolver {
  constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}

  @Query('status')
  @AssetScope('ledger:read')
  @AssetBusiness('businessId')
  status(@Args('businessId') id: string) {
    return this.ledgers.find(id);
  }
}

const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({
  driver: ApolloDriver,
  typeDefs: 'type Query { status(businessId: String!): String }',
  includeStacktraceInErrorResponses: false,
});

async function query(url: string, id: string): Promise<unknown> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: `{ status(businessId: "${id}") }` }),
  });
  return response.json();
}

describe('AssetAuthExceptionFilter on a resolver', () => {
  it('tells the caller of a failed query, and goes on serving', async () => {
    const { url, sandbox, id } = await startOnSandbox({
      imports: [graphql],
      providers: [StatusResolver, ...filters],
    });
    sandbox.fail('api', { status: 403 });
    const failed = await query(url, id);
    expect(failed).toMatchObject({ data: { status: null }, errors: [{ message: 'Bad Gateway' }] });
    expect(JSON.stringify(failed)).not.toMatch(/ASSET_|ledger:read/);
    expect(await query(url, id)).toEqual({ data: { status: '200' } });
  });
});

describe('A filter that passes statuses on', () => {
  const fault = { status: 422, body: { message: 'No.', internal: 'detail' } };

  it("tells a gateway's client Asset's message", async () => {
    const { url, sandbox, id } = await startOnSandbox(
      { providers: [PassingGateway] },
      { configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)) },
    );
    const socket = new WebSocket(url.replace('http', 'ws'));
    await once(socket, 'open');
    sandbox.fail('api', fault);
    socket.send(JSON.stringify({ event: 'promise', data: id }));
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(answer.toString())).toEqual({
      event: 'exception',
      data: { status: 'error', message: 'No.' },
    });
    socket.close();
    await once(socket, 'close');
  });

  it("tells a microservice's caller Asset's message, and of others that Asset failed", async () => {
    const tcp = { transport: Transport.TCP as const, options: { host: '127.0.0.1', port: await freePort() } };
    const { sandbox, id } = await startOnSandbox(
      { controllers: [Handlers], providers: [{ provide: APP_FILTER, useClass: PassingFilter }] },
      {
        configure: async (app) => {
          app.connectMicroservice<MicroserviceOptions>(tcp, { inheritAppConfig: true });
          await app.startAllMicroservices();
        },
      },
    );
    const client = ClientProxyFactory.create(tcp);
    afterThisTest(() => {
      client.close();
    });
    const ask = (): Promise<string> => firstValueFrom(client.send<string>('promise', id));
    sandbox.fail('api', fault);
    await expect(ask()).rejects.toEqual({ status: 'error', message: 'No.' });
    sandbox.fail('api', { status: 500 });
    await expect(ask()).rejects.toEqual({ status: 'error', message: 'Bad Gateway' });
    expect(await ask()).toBe('200');
  });

  it("tells a query's caller Asset's message", async () => {
    const { url, sandbox, id } = await startOnSandbox({
      imports: [graphql],
      providers: [StatusResolver, { provide: APP_FILTER, useClass: PassingFilter }],
    });
    sandbox.fail('api', fault);
    const failed = await query(url, id);
    expect(failed).toMatchObject({ data: { status: null }, errors: [{ message: 'No.' }] });
    expect(JSON.stringify(failed)).not.toMatch(/detail|ledger:read/);
  });
});
