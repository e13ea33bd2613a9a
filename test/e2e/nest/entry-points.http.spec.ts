import { Readable } from 'node:stream';
import { Controller, Get, Param, Post, Res, Sse, StreamableFile } from '@nestjs/common';
import { AssetBusiness, AssetScope } from 'nestjs-asset-auth';
import { concatMap, finalize, map, type Observable, timer } from 'rxjs';
import { expectSeen, platforms } from './application.fixture.js';
import { Ledgers, signal, startOnSandbox } from './entry-points.fixture.js';

describe.each(platforms)('T79 A handler on %s asks with its scope and business', (_, adapter) => {
  let tornDown = signal();
  beforeEach(() => {
    tornDown = signal();
  });

  @Controller('businesses/:id')
  @AssetBusiness('id')
  @AssetScope('ledger:read')
  class Handlers {
    constructor(private readonly ledgers: Ledgers) {}

    @Get('promise')
    promise(@Param('id') id: string) {
      return this.ledgers.find(id);
    }

    @Get('observable')
    observable(@Param('id') id: string) {
      return timer(0).pipe(concatMap(() => this.ledgers.observe(id)));
    }

    @Post('own-scope')
    @AssetScope('ledger:read', 'ledger:create')
    ownScope(@Param('id') id: string) {
      return this.ledgers.find(id);
    }

    @Sse('events')
    events(@Param('id') id: string): Observable<{ data: string }> {
      return timer(0, 1).pipe(
        concatMap(() => this.ledgers.find(id)),
        map((data) => ({ data })),
        finalize(tornDown.fire),
      );
    }

    @Get('file')
    file(@Param('id') id: string) {
      return new StreamableFile(Readable.from(this.pages(id)));
    }

    @Get('endless-file')
    endlessFile(@Param('id') id: string) {
      return new StreamableFile(Readable.from(this.pages(id, Infinity)));
    }

    @Get('piped')
    piped(@Param('id') id: string, @Res() response: { raw?: NodeJS.WritableStream } & NodeJS.WritableStream) {
      Readable.from(this.pages(id)).pipe(response.raw ?? response);
    }

    private async *pages(id: string, count = 3): AsyncGenerator<string> {
      try {
        for (let page = 0; page < count; page += 1) yield `${await this.ledgers.find(id)} `;
      } finally {
        tornDown.fire();
      }
    }
  }
  const open = async () => {
    const running = await startOnSandbox({ controllers: [Handlers] }, { adapter: adapter() });
    return { ...running, url: `${running.url}/businesses/${running.id}` };
  };

  it.each(['promise', 'observable'])('returning a %s', async (path) => {
    const { url, sandbox, read } = await open();
    expect(await (await fetch(`${url}/${path}`)).text()).toBe('200');
    expectSeen(sandbox, read);
  });

  it('with a scope of its own in place of its controller’s', async () => {
    const { url, sandbox, id } = await open();
    await fetch(`${url}/own-scope`, { method: 'POST' });
    expectSeen(sandbox, { scopes: ['ledger:create', 'ledger:read'], businessId: id });
  });

  it.each([
    ['a StreamableFile over a generator', 'file'],
    ['a generator piped to the response', 'piped'],
  ])('while it streams %s', async (_name, path) => {
    const { url, sandbox, read } = await open();
    expect(await (await fetch(`${url}/${path}`)).text()).toBe('200 200 200 ');
    expectSeen(sandbox, read, read, read);
  });

  it.each([
    ['server-sent events', 'events'],
    ['a StreamableFile', 'endless-file'],
  ])('as long as %s are read, and stops when the reader leaves', async (_name, path) => {
    const { url, sandbox, read } = await open();
    const leave = new AbortController();
    const response = await fetch(`${url}/${path}`, { signal: leave.signal });
    await sandbox.waitForRequest('api', { count: 3 });
    await response.body!.getReader().read();
    leave.abort();
    await tornDown.fired;
    expectSeen(sandbox, ...sandbox.apiRequests.map(() => read));
  });
});
