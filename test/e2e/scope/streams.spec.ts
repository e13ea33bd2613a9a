import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Get, Res, Sse, StreamableFile } from '@nestjs/common';
import { finalize, interval, map, type Observable, of } from 'rxjs';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { start, stopAll } from './application.fixture.js';

const { current } = AssetScopeContext;
const SCOPE = { scopes: ['a:b'] };

afterEach(stopAll);

/** Enough lines to fill every buffer on the way, so that the reader has to be waited for. */
const LINES = 400;
const PADDING = 'x'.repeat(4_000);
const ALL_IN_SCOPE = { lines: LINES, scopes: [JSON.stringify(SCOPE)] };

async function* lines(onEnd: (scope: unknown) => void = () => {}): AsyncGenerator<string, void> {
  try {
    for (let line = 0; line < LINES; line++) {
      if (line % 10 === 0) await turn();
      yield `${JSON.stringify({ scope: current() ?? 'none', PADDING })}\n`;
    }
  } finally {
    onEnd(current());
  }
}

/** Reads the answer slowly enough for the server to have to wait, and tells the scopes that the lines were made in. */
const scopesIn = async (response: Response) => {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body!) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    await turn();
  }
  const found = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.stringify((JSON.parse(line) as { scope: unknown }).scope));
  return { lines: found.length, scopes: [...new Set(found)] };
};

/** Tells when something has ended, and in which scope. */
const ending = () => {
  let ended: (scope: unknown) => void = () => {};
  const scope = new Promise((resolve) => (ended = resolve));
  return { scope, ended };
};

describe('T79 A streamed answer is produced in the scope of its handler until it ends', () => {
  let end = ending();
  beforeEach(() => {
    end = ending();
  });

  @Controller()
  @AssetScope('a:b')
  class Streams {
    @Get('file')
    file() {
      return new StreamableFile(Readable.from(lines(end.ended)));
    }

    @Get('file-later')
    async fileLater() {
      await turn();
      return new StreamableFile(Readable.from(lines(end.ended)));
    }

    @Get('file-observed')
    fileObserved() {
      return of(new StreamableFile(Readable.from(lines(end.ended))));
    }

    @Get('generator')
    generator() {
      return lines(end.ended);
    }

    @Get('piped')
    piped(@Res() response: NodeJS.WritableStream) {
      Readable.from(lines(end.ended)).pipe(response);
    }

    @Get('written')
    async written(@Res() response: NodeJS.WritableStream) {
      for await (const line of lines(end.ended)) {
        if (!response.write(line)) await new Promise((resolve) => response.once('drain', resolve));
      }
      response.end();
    }
  }

  it.each([
    ['a StreamableFile over a generator', 'file'],
    ['a StreamableFile that is promised', 'file-later'],
    ['a StreamableFile that is observed', 'file-observed'],
    ['an async generator, which Nest streams from version 12 on', 'generator'],
    ['a stream piped to @Res()', 'piped'],
    ['chunks written to @Res()', 'written'],
  ])('%s', async (_, path) => {
    const { url } = await start({ controllers: [Streams] });
    expect(await scopesIn(await fetch(`${url}/${path}`))).toEqual(ALL_IN_SCOPE);
    expect(await end.scope).toEqual(SCOPE);
  });

  it.each([
    ['a StreamableFile over a generator', 'file'],
    ['an async generator, which Nest streams from version 12 on', 'generator'],
  ])('and its source cleans up in it when the client leaves: %s', async (_, path) => {
    const { url } = await start({ controllers: [Streams] });
    const leave = new AbortController();
    const response = await fetch(`${url}/${path}`, { signal: leave.signal });
    await response.body!.getReader().read();
    leave.abort();
    expect(await end.scope).toEqual(SCOPE);
  });
});

it('T116 One object that several handlers stream works in the scope of a handler that reads it in a generator', async () => {
  const feed = { [Symbol.asyncIterator]: () => lines() };
  @Controller()
  class Feeds {
    @Get('one')
    @AssetScope('a:b')
    async *one() {
      yield* feed;
    }
    @Get('other')
    @AssetScope('c:d')
    async *other() {
      yield* feed;
    }
    @Get('untouched')
    @AssetScope('a:b')
    untouched() {
      return feed;
    }
    @Get('none')
    none() {
      return feed;
    }
  }
  const { url } = await start({ controllers: [Feeds] });
  const scopes = async (path: string) => (await scopesIn(await fetch(`${url}/${path}`))).scopes;
  const OTHER = JSON.stringify({ scopes: ['c:d'] });
  expect(await Promise.all(['one', 'other', 'one', 'untouched', 'none'].map(scopes))).toEqual([
    ALL_IN_SCOPE.scopes,
    [OTHER],
    ALL_IN_SCOPE.scopes,
    ['"none"'],
    ['"none"'],
  ]);
});

describe('T79 Server-sent events are produced in the scope of their handler', () => {
  let end = ending();
  beforeEach(() => {
    end = ending();
  });

  const events = (): Observable<{ data: unknown }> =>
    interval(0).pipe(
      map(() => ({ data: { scope: current() ?? 'none' } })),
      finalize(() => {
        end.ended(current());
      }),
    );

  @Controller()
  @AssetScope('a:b')
  class Events {
    @Sse('events')
    events() {
      return events();
    }

    @Sse('events-later')
    async eventsLater() {
      await turn();
      return events();
    }
  }

  it.each(['events', 'events-later'])(
    'until the client leaves, which stops their source: %s',
    async (path) => {
      const { url } = await start({ controllers: [Events] });
      const leave = new AbortController();
      const response = await fetch(`${url}/${path}`, { signal: leave.signal });
      let text = '';
      for await (const chunk of response.body!) {
        text += Buffer.from(chunk as Uint8Array).toString();
        if (text.split('data: ').length > 3) break;
      }
      leave.abort();
      const data = [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => json);
      expect(new Set(data)).toEqual(new Set([JSON.stringify({ scope: SCOPE })]));
      expect(await end.scope).toEqual(SCOPE);
    },
  );
});
