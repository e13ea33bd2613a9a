import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { EventEmitter2, EventEmitterModule, OnEvent } from '@nestjs/event-emitter';
import { Cron, Interval, ScheduleModule, SchedulerRegistry, Timeout } from '@nestjs/schedule';
import { AssetScopeContext, RunWithAssetScope } from 'nestjs-asset-auth';
import { expectSeen } from './application.fixture.js';
import { Ledgers, startOnSandbox } from './entry-points.fixture.js';

const EVERY_MILLISECOND = 1;
const NEVER_BY_ITSELF = '0 0 1 1 *';

/** The business that background work is about: the first of every sandbox. */
const BUSINESS = 'biz_GA6EG2qFxA97NZHtxeLPUy';
const inItsBusiness = { businessId: BUSINESS };

describe('T79 A scheduled method asks with the scope and business of @RunWithAssetScope', () => {
  const ranAt = new Set<string>();

  abstract class Base {
    constructor(@Inject(Ledgers) protected readonly ledgers: Ledgers) {}
  }
  @Injectable()
  class CronAbove extends Base {
    @Cron(NEVER_BY_ITSELF, { name: 'job' })
    @RunWithAssetScope('ledger:read', inItsBusiness)
    async run() {
      await this.ledgers.find(BUSINESS);
    }
  }
  @Injectable()
  class CronBelow extends Base {
    @RunWithAssetScope('ledger:read', inItsBusiness)
    @Cron(NEVER_BY_ITSELF, { name: 'job' })
    async run() {
      await this.ledgers.find(BUSINESS);
    }
  }
  @Injectable()
  class TimeoutAbove extends Base {
    @Timeout('job', 0)
    @RunWithAssetScope('ledger:read', inItsBusiness)
    async run() {
      await this.ledgers.find(BUSINESS);
    }
  }
  @Injectable()
  class TimeoutBelow extends Base {
    @RunWithAssetScope('ledger:read', inItsBusiness)
    @Timeout('job', 0)
    async run() {
      await this.ledgers.find(BUSINESS);
    }
  }
  /** Once is enough. */
  @Injectable()
  class IntervalAbove extends Base {
    @Interval('job', EVERY_MILLISECOND)
    @RunWithAssetScope('ledger:read', inItsBusiness)
    async run() {
      if (ranAt.size === ranAt.add('above').size) return;
      await this.ledgers.find(BUSINESS);
    }
  }
  @Injectable()
  class IntervalBelow extends Base {
    @RunWithAssetScope('ledger:read', inItsBusiness)
    @Interval('job', EVERY_MILLISECOND)
    async run() {
      if (ranAt.size === ranAt.add('below').size) return;
      await this.ledgers.find(BUSINESS);
    }
  }

  it.each([
    ['@Cron above it', CronAbove],
    ['@Cron below it', CronBelow],
    ['@Timeout above it', TimeoutAbove],
    ['@Timeout below it', TimeoutBelow],
    ['@Interval above it', IntervalAbove],
    ['@Interval below it', IntervalBelow],
  ])('with %s', async (name, Jobs) => {
    const { app, sandbox, id, read } = await startOnSandbox({
      imports: [ScheduleModule.forRoot()],
      providers: [Jobs],
    });
    expect(id).toBe(BUSINESS);
    if (name.startsWith('@Cron')) await app.get(SchedulerRegistry).getCronJob('job').fireOnTick();
    await sandbox.waitForRequest('api', { until: 'answered' });
    expectSeen(sandbox, read);
  });
});

describe('T79 A listener asks with the scope of @RunWithAssetScope, and not with that of the emitter', () => {
  @Injectable()
  class Above {
    constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}
    @OnEvent('happened')
    @RunWithAssetScope('ledger:read', { businessId: (id: string) => id })
    happened(id: string) {
      return this.ledgers.find(id);
    }
  }
  @Injectable()
  class Below {
    constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}
    @RunWithAssetScope('ledger:read', { businessId: (id: string) => id })
    @OnEvent('happened')
    happened(id: string) {
      return this.ledgers.find(id);
    }
  }

  it.each([
    ['@OnEvent above it', Above],
    ['@OnEvent below it', Below],
  ])('with %s', async (_, Listener) => {
    const { app, sandbox, id, read } = await startOnSandbox({
      imports: [EventEmitterModule.forRoot()],
      providers: [Listener],
    });
    const emitted = { scopes: 'report:read', businessId: sandbox.businesses[1]!.id };
    const answers = AssetScopeContext.run(emitted, () => app.get(EventEmitter2).emitAsync('happened', id));
    expect(await answers).toEqual(['200']);
    expectSeen(sandbox, read);
  });
});

describe('T79 Work that starts with no scope at all asks with that of @RunWithAssetScope', () => {
  interface Job {
    readonly data: { readonly businessId: string };
  }

  // As BullMQ calls a processor, from an event loop turn of its own. A real worker and queue run in test/package/queue.
  @Injectable()
  class Processor {
    constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}
    @RunWithAssetScope('ledger:read', { businessId: (job: Job) => job.data.businessId })
    process(job: Job) {
      return this.ledgers.find(job.data.businessId);
    }
  }

  @Injectable()
  class AtStart implements OnModuleInit {
    constructor(@Inject(Ledgers) private readonly ledgers: Ledgers) {}
    @RunWithAssetScope('ledger:read', inItsBusiness)
    async onModuleInit() {
      await this.ledgers.find(BUSINESS);
    }
  }

  it('in the method that a queue worker calls', async () => {
    const { app, sandbox, id, read } = await startOnSandbox({ providers: [Processor] });
    const processor = app.get(Processor);
    const result = await new Promise((resolve) => {
      setImmediate(() => {
        resolve(processor.process({ data: { businessId: id } }));
      });
    });
    expect(result).toBe('200');
    expectSeen(sandbox, read);
  });

  it('in a lifecycle hook', async () => {
    const { sandbox, read } = await startOnSandbox({ providers: [AtStart] });
    expectSeen(sandbox, read);
  });
});
