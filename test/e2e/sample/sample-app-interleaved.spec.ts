import { Agent, get as httpGet } from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Get, Injectable, Param, Query } from '@nestjs/common';
import { AssetBusiness, AssetHttpService, AssetScope, type ScopeSet } from 'nestjs-asset-auth';
import type { SandboxApiRequest } from 'nestjs-asset-auth/testing';
import { concatMap, defer, firstValueFrom, forkJoin, from, map, type Observable } from 'rxjs';
import { startApplication } from '../../support/application.js';
import { afterThisTest } from '../../support/cleanup.js';
import { INTERLEAVED_REQUESTS as REQUESTS } from '../../support/interleaved-requests.js';

const AT_ONCE = 100;
const BUSINESSES = 20;

/** Lets other requests go first, a different number of times. */
async function yieldToOthers(): Promise<void> {
  for (let turns = Math.floor(Math.random() * 4); turns > 0; turns--) await turn();
}

/** The three ways to write a handler. Each calls Asset once, with the number of the request that it serves. */
@Injectable()
abstract class Handlers {
  constructor(protected readonly asset: AssetHttpService) {}

  @Get('promise')
  async promise(@Param('businessId') id: string, @Query('n') n: string): Promise<unknown> {
    await yieldToOthers();
    const answer = this.echo(id, n);
    await yieldToOthers();
    return (await firstValueFrom(answer)).data;
  }

  @Get('observable')
  observable(@Param('businessId') id: string, @Query('n') n: string): Observable<unknown> {
    return defer(yieldToOthers).pipe(
      concatMap(() => this.echo(id, n)),
      map(({ data }) => data),
    );
  }

  @Get('mixed')
  async mixed(@Param('businessId') id: string, @Query('n') n: string): Promise<Observable<unknown>> {
    await yieldToOthers();
    return from(yieldToOthers()).pipe(
      concatMap(async () => {
        await yieldToOthers();
        return this.echo(id, n);
      }),
      concatMap((answer) => forkJoin([answer, yieldToOthers()])),
      map(([{ data }]) => data),
    );
  }

  private echo(id: string, n: string): Observable<{ data: unknown }> {
    return this.asset.get<unknown>(`/v0/business/${id}/echo`, { params: { n } });
  }
}

@Controller('businesses/:businessId/read')
@AssetBusiness('businessId')
@AssetScope('ledger:read')
class ReadController extends Handlers {}

@Controller('businesses/:businessId/write')
@AssetBusiness('businessId')
@AssetScope('ledger:read', 'ledger:create')
class WriteController extends Handlers {}

@Controller('businesses/:businessId/report')
@AssetBusiness('businessId')
@AssetScope('report:read')
class ReportController extends Handlers {}

const SCOPES: Readonly<Record<string, ScopeSet>> = {
  read: ['ledger:read'],
  write: ['ledger:create', 'ledger:read'],
  report: ['report:read'],
};
const KEYS = BUSINESSES * Object.keys(SCOPES).length;
const KINDS = ['promise', 'observable', 'mixed'] as const;

/** Request number n: what it calls, and what must be seen of it at the sandbox. All combinations take turns. */
function request(
  n: number,
  businesses: readonly string[],
): { url: string; scopes: ScopeSet; businessId: string } {
  const [set, scopes] = Object.entries(SCOPES)[n % 3]!;
  const kind = KINDS[Math.floor(n / 3) % 3]!;
  const businessId = businesses[Math.floor(n / 9) % businesses.length]!;
  return { url: `/businesses/${businessId}/${set}/${kind}?n=${n}`, scopes, businessId };
}

/** Concurrency that is bounded and keeps its connections, so that the machine's ports are not what is tested. */
function client(url: string): (path: string) => Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  afterThisTest(() => {
    agent.destroy();
  });
  return (path) =>
    new Promise((resolve, reject) => {
      httpGet(url + path, { agent }, (response) => {
        response.resume().on('end', () => {
          resolve(response.statusCode ?? 0);
        });
      }).on('error', reject);
    });
}

const numberOf = ({ path }: SandboxApiRequest): number =>
  Number(new URL(path, 'http://sandbox').searchParams.get('n'));

it('Thousands of interleaved requests reach Asset each with exactly the scopes and business of its handler', async () => {
  const { url, sandbox, clock, tokens } = await startApplication({
    controllers: [ReadController, WriteController, ReportController],
    // All renewals can go at once, since they are spaced in time otherwise and time stands still.
    options: { maxConcurrentTokenRequests: KEYS + 1 },
  });
  while (sandbox.businesses.length < BUSINESSES) sandbox.addBusiness();
  const businesses = sandbox.businesses.map(({ id }) => id);
  const call = client(url);

  let next = 0;
  const statuses = new Map<number, number>();
  const worker = async (): Promise<void> => {
    while (next < REQUESTS) {
      const n = next++;
      disturb(n);
      const status = await call(request(n, businesses).url);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  /**
   * Tokens are renewed in the middle of it all, once ahead of time and once since Asset takes them no longer. Each time only
   * when the renewal before has reached every key: a handler may come late to its first call.
   */
  const disturbances = [
    // The wall clock alone, so that no request under way times out by it.
    {
      after: REQUESTS / 4,
      disturb: () => {
        clock.suspend(50 * 60_000);
      },
    },
    {
      after: REQUESTS / 2,
      disturb: () => {
        sandbox.revokeTokens();
      },
    },
  ];
  const disturb = (n: number): void => {
    const [due] = disturbances;
    if (due === undefined || n < due.after || freshTokens() < KEYS) return;
    disturbances.shift();
    due.disturb();
  };
  const freshTokens = (): number => tokens.snapshot().filter(({ state }) => state === 'fresh').length;
  await Promise.all(Array.from({ length: AT_ONCE }, worker));

  expect([...statuses]).toEqual([[200, REQUESTS]]);
  const wrong = sandbox.apiRequests.flatMap((arrived) => {
    const { scopes, businessId, url: called } = request(numberOf(arrived), businesses);
    const { claims, path } = arrived;
    const isRight =
      path.startsWith(`/v0/business/${businessId}/`) &&
      claims?.businessId === businessId &&
      claims.scopes.join() === scopes.join();
    return isRight
      ? []
      : [`${called} reached Asset as ${path} for ${claims?.businessId} ${claims?.scopes.join()}`];
  });
  expect(wrong.slice(0, 10)).toEqual([]);
  // Every token was fetched once at first, and once more each time.
  expect(sandbox.tokenRequests).toHaveLength(3 * KEYS);
  // Each was served once; only those that met a revoked token came twice.
  const served = sandbox.apiRequests.filter(({ status }) => status === 200).map(numberOf);
  expect(new Set(served).size).toBe(REQUESTS);
  expect(served).toHaveLength(REQUESTS);
}, 600_000);
