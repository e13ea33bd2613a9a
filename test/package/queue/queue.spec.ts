import 'reflect-metadata';
import { BullModule, getQueueToken, Processor, WorkerHost } from '@nestjs/bullmq';
import { type INestApplicationContext, Inject, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Job, type Queue, QueueEvents } from 'bullmq';
import {
  AssetAuthModule,
  AssetHttpService,
  AssetScopeContext,
  listAssetScopes,
  RunWithAssetScope,
} from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { firstValueFrom } from 'rxjs';
import { type RunningRedis, startRedis } from '../../support/redis.js';

interface Report {
  readonly businessId: string;
}

@Processor('reports', { concurrency: 2 })
class Reports extends WorkerHost {
  constructor(@Inject(AssetHttpService) private readonly asset: AssetHttpService) {
    super();
  }

  @RunWithAssetScope('ledger:read', { businessId: (job: Job<Report>) => job.data.businessId })
  async process(job: Job<Report>): Promise<number> {
    await job.updateProgress(50);
    const { status } = await firstValueFrom(this.asset.get(`/v0/business/${job.data.businessId}/ledger`));
    return status;
  }
}

describe('A worker of BullMQ', () => {
  let redis: RunningRedis;
  let sandbox: AssetSandbox;
  let app: INestApplicationContext;
  let finished: QueueEvents;

  beforeAll(async () => {
    redis = await startRedis();
    sandbox = await AssetSandbox.start();

    @Module({
      imports: [
        AssetAuthModule.forRoot(sandbox.moduleOptions()),
        BullModule.forRoot({ connection: redis.connect() }),
        BullModule.registerQueue({ name: 'reports' }),
      ],
      providers: [Reports],
    })
    class AppModule {}
    app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    finished = new QueueEvents('reports', { connection: redis.connect() });
    await finished.waitUntilReady();
  });

  afterAll(async () => {
    await finished?.close();
    await app?.close();
    await sandbox?.close();
    await redis?.stop();
  });

  it('asks with the scope and business of @RunWithAssetScope on its method, not with those of the code that added the job', async () => {
    const queue = app.get<Queue<Report, number>>(getQueueToken('reports'));
    const businesses = sandbox.businesses.slice(0, 2).map(({ id }) => id);
    const jobs = await AssetScopeContext.run({ scopes: 'report:read', businessId: null }, () =>
      queue.addBulk(
        [...businesses, ...businesses].map((businessId) => ({ name: 'report', data: { businessId } })),
      ),
    );
    expect(await Promise.all(jobs.map((job) => job.waitUntilFinished(finished)))).toEqual([
      200, 200, 200, 200,
    ]);

    const asked = ({ claims, path }: AssetSandbox['requests'][number]) => [
      claims?.scopes,
      claims?.businessId,
      ...(path.startsWith('/v0/business/') ? [path] : []),
    ];
    const [one, other] = businesses;
    const seen = [one, other].map((id) => [['ledger:read'], id, `/v0/business/${id}/ledger`]);
    expect(sandbox.apiRequests.map(asked).sort()).toEqual([...seen, ...seen].sort());
    expect(sandbox.apiRequests.every(({ authorized }) => authorized)).toBe(true);
    expect(sandbox.tokenRequests.map(asked).sort()).toEqual(
      [one, other].map((id) => [['ledger:read'], id]).sort(),
    );
  });

  it('is in the inventory of scopes', () => {
    expect(listAssetScopes(app).handlers).toEqual([
      {
        className: 'Reports',
        handlerName: 'process',
        kind: 'method',
        scopes: ['ledger:read'],
        business: true,
      },
    ]);
  });
});
