import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterThisTest } from '../../support/cleanup.js';
import { type RunningRedis, startRedis } from '../../support/redis.js';
import { Fleet, type FleetMember, type FleetSetup, type FleetUsage, startMember } from './fleet.fixture.js';

// By the machine's clock, since processes share no other. A token is replaced when about 70 % of its life are over: from
// 8 seconds on, and before 10, as keys are first used within the first second.
const LIFETIME_SECONDS = 12;
const HOUR_MS = 3_600_000;
const LONGEST_MS = 60_000;

/** What no store and no machine excuses. */
const ALL_IS_WELL = { unserved: 0, failed: [], expired: 0, wrong: 0 };
/** On a busy machine, a process may be held up for as long as there is time to replace a token. */
const MOST_BLOCKED = 0.02;

/** Wall clocks of the members, whose Redis clients are ioredis and node-redis by turns. */
const CLOCKS_OFF_MS = [0, HOUR_MS, -HOUR_MS, 0];

let members: FleetMember[] = [];
let redis: RunningRedis | undefined;

beforeAll(async () => {
  redis = await startRedis();
  members = await Promise.all(CLOCKS_OFF_MS.map((offMs) => startMember(offMs)));
}, LONGEST_MS);

afterAll(async () => {
  await Promise.all(members.map((member) => member.kill()));
  await redis?.stop();
});

async function startFleet(setup: Partial<FleetSetup> = {}): Promise<Fleet> {
  const fleet = await Fleet.start({
    members,
    path: redis!.path,
    lifetimeSeconds: LIFETIME_SECONDS,
    // On a busy machine, a store that is well may be slow as well.
    options: { storeTimeoutMs: 5000 },
    ...setup,
  });
  afterThisTest(() => fleet.close());
  return fleet;
}

function expectAllIsWell({ uses, blocked, ...usage }: FleetUsage): void {
  expect(usage).toEqual(ALL_IS_WELL);
  expect(blocked / uses).toBeLessThanOrEqual(MOST_BLOCKED);
}

/** Of all that a fleet keeps in the store, but for leases. */
async function namesOfRecords({ prefix }: Fleet): Promise<readonly string[]> {
  const names = await redis!.connect().keys(`${prefix}*`);
  return names.filter((name) => name.split(':').length === 3);
}

describe('a fleet of processes', () => {
  it(
    'T69 T70 T72 asks once per key and lifetime, whichever Redis clients it uses and however far its clocks are apart',
    async () => {
      const fleet = await startFleet({ scopes: 5, businesses: 4 });
      const ideal = 2 * fleet.keys.length;
      await fleet.use();
      // All second tokens have been fetched by then, and no third before 16 seconds.
      await pause(13_000);
      expectAllIsWell(await fleet.usage());
      expect(fleet.requests).toBeGreaterThanOrEqual(ideal);
      // A process that is held up for as long as a lease lasts, or a store's budget, costs a request.
      expect(fleet.requests).toBeLessThanOrEqual(1.02 * ideal + 3);
      expect(await namesOfRecords(fleet)).toHaveLength(fleet.keys.length);
    },
    LONGEST_MS,
  );

  it(
    'asks once per key when all tokens are rejected in all processes at once',
    async () => {
      const fleet = await startFleet({ lifetimeSeconds: 3600, scopes: 5, businesses: 4 });
      await fleet.ask();
      expect(fleet.requests).toBe(fleet.keys.length);
      // Of two tokens that are less than a second apart, a process may take its own for the one that lasts longer.
      await pause(1100);
      fleet.sandbox.revokeTokens();
      const statuses = await fleet.call();
      expect(statuses).toEqual(statuses.map(() => 200));
      expect(fleet.requests).toBe(2 * fleet.keys.length);
    },
    LONGEST_MS,
  );

  it(
    'T73 takes over from a process that dies while it asks',
    async () => {
      const victim = await startMember();
      afterThisTest(() => victim.kill());
      const fleet = await startFleet({ members: [...members, victim], scopes: 1, businesses: 1 });
      const hold = fleet.sandbox.hold('token');
      fleet.ask(1, [victim]).catch(() => {});
      await fleet.sandbox.waitForRequest('token');
      const asked = fleet.ask(8, members);
      await victim.kill();
      const diedAt = performance.now();
      hold.release();
      await asked;
      // A lease lasts for 3 s. Without it, each would ask for itself after 5 s.
      expect(performance.now() - diedAt).toBeLessThan(4500);
      expect(fleet.requests).toBe(2);
      expectAllIsWell(await fleet.usage());
    },
    LONGEST_MS,
  );

  it(
    'T73 asks once although the answer takes longer than a lease lasts',
    async () => {
      const fleet = await startFleet({ lifetimeSeconds: 3600, latencyMs: 4000 });
      await fleet.ask(4);
      expect(fleet.requests).toBe(fleet.keys.length);
      expectAllIsWell(await fleet.usage());
    },
    LONGEST_MS,
  );
});

const NEVER_THERE = 'is never there';

describe('T45 a fleet whose store', () => {
  /** What happens to the store, and when in the life of the first tokens. */
  const MISFORTUNES: Readonly<Record<string, (store: RunningRedis) => Promise<void>>> = {
    'stops while tokens are replaced': async (store) => {
      await pause(7500);
      store.freeze();
      await pause(5000);
      store.thaw();
    },
    'dies and comes back empty': async (store) => {
      await pause(7500);
      await store.kill();
      await pause(5000);
      await store.restart();
    },
    'is flushed again and again': async (store) => {
      for (const afterMs of [3000, 5500, 1000]) {
        await pause(afterMs);
        await store.connect().flushall();
      }
    },
    'holds garbage': async (store) => {
      await pause(6000);
      const connection = store.connect();
      for (const name of await connection.keys('*'))
        await connection.set(name, randomBytes(40).toString('base64url'));
    },
    [NEVER_THERE]: (store) => store.kill(),
  };
  const outcomes = new Map<string, { usage: FleetUsage; requests: number; alone: number }>();

  async function live(name: string, happens: (store: RunningRedis) => Promise<void>): Promise<void> {
    const store = await startRedis();
    const isThere = name !== NEVER_THERE;
    if (!isThere) await happens(store);
    const { path } = store;
    const fleet = await Fleet.start({ members, path, isThere, lifetimeSeconds: LIFETIME_SECONDS });
    try {
      await fleet.use();
      await Promise.all([isThere && happens(store), pause(LIFETIME_SECONDS * 1000 + 2000)]);
      const { requests } = fleet;
      outcomes.set(name, {
        usage: await fleet.usage(),
        requests,
        alone: 2 * members.length * fleet.keys.length,
      });
    } finally {
      await fleet.close();
      await store.stop();
    }
  }

  // All at once, since each takes longer than a token lives.
  beforeAll(async () => {
    await Promise.all(Object.entries(MISFORTUNES).map((misfortune) => live(...misfortune)));
  }, LONGEST_MS);

  it.each(Object.keys(MISFORTUNES))('%s has a token for everybody', (name) => {
    const { usage, requests, alone } = outcomes.get(name)!;
    expectAllIsWell(usage);
    expect(requests).toBeLessThanOrEqual(alone);
  });
});
