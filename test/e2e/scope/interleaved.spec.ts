import { Agent, get as httpGet } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import { concatMap, defer, from, map, of, timer, toArray } from 'rxjs';
import { AssetBusiness } from '../../../lib/scope/asset-business.decorator.js';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { INTERLEAVED_REQUESTS as REQUESTS } from '../../support/interleaved-requests.js';
import { start, stopAll } from './application.fixture.js';

const { current, run } = AssetScopeContext;

afterEach(stopAll);

const AT_ONCE = 100;
const BUSINESSES = 20;

/** Lets other requests go first, a different number of times. */
const yieldToOthers = async (): Promise<void> => {
  for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await turn();
};

@Controller('businesses/:businessId')
@AssetBusiness('businessId')
@AssetScope('class:scope')
class Handlers {
  @Get('promise')
  @AssetScope('promise:scope')
  async promise() {
    const seen = [current()];
    await yieldToOthers();
    seen.push(current());
    await Promise.all([yieldToOthers(), run({ scopes: 'in:ner' }, yieldToOthers)]);
    return [...seen, current()];
  }

  @Get('observable')
  observable() {
    return from([1, 2, 3]).pipe(
      concatMap((step) => (step === 2 ? timer(0) : of(0))),
      concatMap(() => defer(() => of(current()))),
      toArray(),
    );
  }

  @Get('mixed')
  @AssetScope('mixed:scope', 'class:scope')
  async mixed() {
    await yieldToOthers();
    const first = current();
    return from(yieldToOthers()).pipe(
      concatMap(async () => {
        const second = current();
        await yieldToOthers();
        return second;
      }),
      map((second) => [first, second, current()]),
    );
  }

  @Get('tenant')
  @AssetBusiness(null)
  async tenant() {
    const first = current();
    await yieldToOthers();
    return [first, current(), current()];
  }
}

const SCOPES = {
  promise: ['promise:scope'],
  observable: ['class:scope'],
  mixed: ['class:scope', 'mixed:scope'],
  tenant: ['class:scope'],
};
const KINDS = ['promise', 'observable', 'mixed', 'tenant'] as const;

it('T78 Thousands of interleaved requests see their own scope and business, each of them, throughout', async () => {
  const { url } = await start({ controllers: [Handlers] });
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const read = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      httpGet(url + path, { agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          resolve(text);
        });
      }).on('error', reject);
    });

  let sent = 0;
  const wrong: string[] = [];
  const worker = async (): Promise<void> => {
    while (sent < REQUESTS) {
      const request = sent++;
      const kind = KINDS[request % KINDS.length]!;
      const business = `biz_${request % BUSINESSES}`;
      const expected = { scopes: SCOPES[kind], businessId: kind === 'tenant' ? null : business };
      const answer = await read(`/businesses/${business}/${kind}`);
      if (answer !== JSON.stringify([expected, expected, expected]))
        wrong.push(`${kind} ${business}: ${answer}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  agent.destroy();
  expect(wrong).toEqual([]);
  expect(sent).toBe(REQUESTS);
}, 600_000);
