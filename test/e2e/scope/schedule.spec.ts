import { setImmediate as turn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { AssetScopeContext } from '../../../lib/scope/scope-context.js';
import { AssetScope } from '../../../lib/scope/asset-scope.decorator.js';
import { RunWithAssetScope } from '../../../lib/scope/run-with-asset-scope.decorator.js';
import { start, stopAll } from './application.fixture.js';

const { current } = AssetScopeContext;
const NEVER_BY_ITSELF = '0 0 1 1 *';

afterEach(stopAll);

describe('T79 A scheduled method', () => {
  const seen = new Map<string, unknown>();
  let onSeen: () => void = () => {};
  const see = (job: string) => {
    seen.set(job, current());
    onSeen();
  };
  /** Resolves once these jobs have run. */
  const ran = (...jobs: readonly string[]) =>
    new Promise<void>((resolve) => {
      onSeen = () => {
        if (jobs.every((job) => seen.has(job))) resolve();
      };
    });

  @Injectable()
  class Jobs {
    @Cron(NEVER_BY_ITSELF, { name: 'above' })
    @RunWithAssetScope('a:b')
    async above() {
      await turn();
      see('above');
    }

    @RunWithAssetScope('a:b')
    @Cron(NEVER_BY_ITSELF, { name: 'below' })
    async below() {
      await turn();
      see('below');
    }

    @Cron(NEVER_BY_ITSELF, { name: 'asset-scope' })
    @AssetScope('a:b')
    withAssetScope() {
      see('asset-scope');
    }

    @RunWithAssetScope('a:b', { businessId: 'biz_1' })
    @Timeout(0)
    timeout() {
      see('timeout');
    }

    @Interval('interval', 1e9)
    @RunWithAssetScope('a:b')
    interval() {}
  }

  beforeEach(() => {
    seen.clear();
  });

  it('is registered and runs in its scope, whichever side of the other decorator @RunWithAssetScope stands', async () => {
    const all = ran('above', 'below', 'timeout');
    const { app } = await start({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });
    const registry = app.get(SchedulerRegistry);
    for (const name of ['above', 'below']) await registry.getCronJob(name).fireOnTick();
    await all;
    expect(seen.get('above')).toEqual({ scopes: ['a:b'] });
    expect(seen.get('below')).toEqual({ scopes: ['a:b'] });
    expect(seen.get('timeout')).toEqual({ scopes: ['a:b'], businessId: 'biz_1' });
    expect(registry.getIntervals()).toEqual(['interval']);
  });

  it('runs without a scope if it says @AssetScope, which only handlers read', async () => {
    const { app } = await start({ imports: [ScheduleModule.forRoot()], providers: [Jobs] });
    const job = ran('asset-scope');
    await app.get(SchedulerRegistry).getCronJob('asset-scope').fireOnTick();
    await job;
    expect(seen.get('asset-scope')).toBeUndefined();
  });
});
