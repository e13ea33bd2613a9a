import { once } from 'node:events';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { map } from 'rxjs';
import { WebSocket } from 'ws';
import { expectSeen } from './application.fixture.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

@WebSocketGateway()
@AssetScope('ledger:read')
@AssetBusiness((context) => context.switchToWs().getData<string>())
class LedgersGateway {
  constructor(private readonly ledgers: Ledgers) {}

  @SubscribeMessage('promise')
  async promise(@MessageBody() id: string) {
    return { event: 'answer', data: await this.ledgers.find(id) };
  }

  @SubscribeMessage('observable')
  @AssetScope('ledger:create', 'ledger:read')
  observable(@MessageBody() id: string) {
    return this.ledgers.observe(id).pipe(map((data) => ({ event: 'answer', data })));
  }
}

describe('T79 A message handler of a gateway asks with its scope and business', () => {
  it.each([
    ['returning a promise', 'promise', ['ledger:read']],
    ['returning an Observable, with scopes of its own', 'observable', ['ledger:create', 'ledger:read']],
  ])('%s', async (_, event, scopes) => {
    const { url, sandbox, id } = await startOnSandbox(
      { providers: [LedgersGateway] },
      { configure: (app) => app.useWebSocketAdapter(new WsAdapter(app)) },
    );
    const socket = new WebSocket(url.replace('http', 'ws'));
    await once(socket, 'open');
    socket.send(JSON.stringify({ event, data: id }));
    const [answer] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(answer.toString())).toEqual({ event: 'answer', data: '200' });
    socket.close();
    await once(socket, 'close');
    expectSeen(sandbox, { scopes, businessId: id });
  });
});
