import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { storeKey } from '../../../lib/config/token-store.js';
import { TokenSeal } from '../../../lib/store/token-seal.js';
import { afterThisTest } from '../../support/cleanup.js';
import { eventually } from '../../support/eventually.js';
import { type RunningRedis, startRedis } from '../../support/redis.js';
import { Fleet, type FleetMember, type FleetSetup, newStoreKey, startMember } from './fleet.fixture.js';
import { oneAddressOf } from './two-clients.fixture.js';

const LONGEST_MS = 60_000;
const HOUR_SECONDS = 3600;

/** What no change of a fleet excuses. */
const ALL_IS_WELL = { unserved: 0, failed: [], expired: 0, wrong: 0 };
/** A process that is held up for as long as a lease lasts, or a store's budget, costs a request. */
const HELD_UP = 3;

let members: FleetMember[] = [];
let redis: RunningRedis | undefined;
let connection: Redis;

beforeAll(async () => {
  redis = await startRedis();
  connection = redis.connect();
  members = await Promise.all(Array.from({ length: 4 }, () => startMember()));
}, LONGEST_MS);

afterAll(async () => {
  await Promise.all(members.map((member) => member.kill()));
  await redis?.stop();
});

async function startFleet(setup: Partial<FleetSetup> = {}): Promise<Fleet> {
  const fleet = await Fleet.start({ members, path: redis!.path, lifetimeSeconds: HOUR_SECONDS, ...setup });
  afterThisTest(() => fleet.close());
  return fleet;
}

/** Of all that a fleet keeps in the store, but for leases. */
async function namesOfRecords({ prefix }: Fleet): Promise<readonly string[]> {
  const names = await connection.keys(`${prefix}*`);
  return names.filter((name) => name.split(':').length === 3).sort();
}

async function expectAllIsWell(fleet: Fleet): Promise<void> {
  expect(await fleet.usage()).toMatchObject(ALL_IS_WELL);
}

describe('a fleet of processes, one of which gives its tokens up', () => {
  it(
    'fetches new ones, once, which the others take when they need one',
    async () => {
      const fleet = await startFleet();
      const [first, second, third, cold] = members as [FleetMember, FleetMember, FleetMember, FleetMember];
      const [given] = await fleet.ask(1, [first, second, third]);
      // Nobody waits for what is written.
      await eventually(async () => (await namesOfRecords(fleet)).length === fleet.keys.length);
      const names = await namesOfRecords(fleet);
      // Of two tokens that are less than a second apart, a process may take its own for the one that lasts longer.
      await pause(1100);
      await fleet.invalidate(first);
      await eventually(async () => (await namesOfRecords(fleet)).length === 0);
      const [next, itsNext] = await fleet.ask(4, [first, cold]);
      expect(itsNext).toEqual(next);
      expect(next).not.toEqual(expect.arrayContaining([given![0]]));
      await eventually(async () => (await namesOfRecords(fleet)).length === names.length);
      expect(await namesOfRecords(fleet)).toEqual(names);
      // Those who hold the old one keep it until they need another.
      expect(await fleet.ask(1, [second])).toEqual([given]);
      const taken = await fleet.ask(4, [second, third], { forceRefresh: true });
      expect(taken).toEqual([next, next]);
      expect(fleet.requests).toBe(2 * fleet.keys.length);
      await expectAllIsWell(fleet);
    },
    LONGEST_MS,
  );
});

describe('a fleet of processes whose client', () => {
  it(
    'gets a new secret reads it, renames nothing, and nobody fails',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'secret-'));
      afterThisTest(() => rm(folder, { recursive: true }));
      const secretFile = join(folder, 'secret');
      const mount = async (secret: string): Promise<void> => {
        await writeFile(`${secretFile}.new`, secret);
        await rename(`${secretFile}.new`, secretFile);
      };
      const fleet = await startFleet({ lifetimeSeconds: 6, options: { secretFile } });
      await mount(fleet.sandbox.clientSecret);
      await fleet.use(500);
      await pause(1500);
      const names = await namesOfRecords(fleet);
      const before = fleet.requests;
      await mount(fleet.sandbox.rotateSecret());
      // All are replaced after 4.2 to 5 seconds, and not again before 8.
      await pause(4500);
      expect(names).toHaveLength(fleet.keys.length);
      expect(await namesOfRecords(fleet)).toEqual(names);
      expect(fleet.requests - before).toBeGreaterThanOrEqual(fleet.keys.length);
      expect(fleet.requests - before).toBeLessThanOrEqual(fleet.keys.length + HELD_UP);
      expect(fleet.sandbox.tokenRequests.filter(({ authorized }) => !authorized)).toEqual([]);
      await expectAllIsWell(fleet);
    },
    LONGEST_MS,
  );

  it(
    'T85 gets a new id never mixes the tokens of the two, while one half of it is restarted',
    async () => {
      const kept = members.slice(0, 2);
      const fleet = await startFleet({ members: [] });
      const { sandbox: old } = fleet;
      const sandbox = await AssetSandbox.start({ expiresIn: 'seconds', tokenLifetimeSeconds: HOUR_SECONDS });
      afterThisTest(() => sandbox.close());
      const known = new Set(sandbox.businesses.map(({ id }) => id));
      for (const { id } of old.businesses) if (!known.has(id)) sandbox.addBusiness({ id });
      const baseUrl = await oneAddressOf([old, sandbox]);
      await fleet.join(members, { baseUrl });
      await fleet.ask();
      const ended = members.splice(2);
      await fleet.leave(ended);
      await Promise.all(ended.map((member) => member.kill()));
      const restarted = await Promise.all([startMember(), startMember()]);
      members.push(...restarted);
      const { clientId, clientSecret } = sandbox;
      await fleet.join(restarted, { baseUrl, clientId, clientSecret });
      const issued = ({ tokenRequests }: AssetSandbox): readonly (string | undefined)[] =>
        tokenRequests.map(({ claims }) => claims?.jti);
      for (const how of [undefined, { forceRefresh: true }]) {
        const ofOld = (await fleet.ask(2, kept, how)).flat();
        const ofNew = (await fleet.ask(2, restarted, how)).flat();
        expect(ofOld.filter((id) => !issued(old).includes(id))).toEqual([]);
        expect(ofNew.filter((id) => !issued(sandbox).includes(id))).toEqual([]);
      }
      expect(await namesOfRecords(fleet)).toHaveLength(2 * fleet.keys.length);
      // Each half shares its own.
      const most = 2 * fleet.keys.length + HELD_UP;
      expect(fleet.requests).toBeLessThanOrEqual(most);
      expect(sandbox.tokenRequests.length).toBeLessThanOrEqual(most);
    },
    LONGEST_MS,
  );
});

describe('a fleet of processes whose store keys are replaced', () => {
  it(
    'goes on through each step of it, and asks three times per key and lifetime at most',
    async () => {
      const fleet = await startFleet({ lifetimeSeconds: 8 });
      const { length } = fleet.keys;
      const newKey = newStoreKey();
      const both = [newKey, ...fleet.storeKeys];
      const half = members.slice(0, 2);
      const otherHalf = members.slice(2);
      let asked = 0;
      const requestsSince = async (ms: number): Promise<number> => {
        await pause(ms);
        const requests = fleet.requests - asked;
        asked += requests;
        return requests;
      };
      const restart = async (which: FleetMember[], storeKeys: readonly string[]): Promise<number> => {
        await fleet.restart(which, { storeKeys });
        await fleet.use(500, which);
        return requestsSince(1000);
      };
      await fleet.use(500);
      expect(await requestsSince(800)).toBeLessThanOrEqual(length + HELD_UP);
      // What the old key sealed is opened.
      expect(await restart(half, both)).toBeLessThanOrEqual(HELD_UP);
      const names = await namesOfRecords(fleet);
      // What the new key seals is not, by those who lack it: all tokens are replaced from 5.6 seconds on.
      const mixed = await requestsSince(4500);
      expect(mixed).toBeGreaterThanOrEqual(length);
      expect(mixed).toBeLessThanOrEqual(3 * length);
      expect(await restart(otherHalf, both)).toBeLessThanOrEqual(HELD_UP);
      expect(await namesOfRecords(fleet)).toEqual(names);
      // Now all names are new.
      expect(await restart(half, [newKey])).toBeLessThanOrEqual(length + HELD_UP);
      expect(await restart(otherHalf, [newKey])).toBeLessThanOrEqual(HELD_UP);
      await expectAllIsWell(fleet);
    },
    LONGEST_MS,
  );
});

describe('a fleet of processes of two versions', () => {
  it(
    'never reads what a newer format stores, and takes a token whose record says more than it knows',
    async () => {
      const fleet = await startFleet({ scopes: 1, businesses: 1 });
      const seal = new TokenSeal(fleet.storeKeys.map(storeKey), fleet.prefix);
      const [one, other, third] = members as [FleetMember, FleetMember, FleetMember];
      const [given] = await fleet.ask(1, [one]);
      await eventually(async () => (await namesOfRecords(fleet)).length === 1);
      const [name = ''] = await namesOfRecords(fleet);
      const record = seal.open(name, (await connection.get(name)) ?? '') ?? '';
      const monitor = await connection.monitor();
      afterThisTest(() => {
        monitor.disconnect();
      });
      const seen: string[] = [];
      monitor.on('monitor', (_at: string, command: string[]) => seen.push(command.join(' ')));

      const newer = name.replace(':v1:', ':v2:');
      const sealedNewer = seal.seal(newer, record);
      await connection.rename(name, newer);
      await connection.set(newer, sealedNewer, 'PX', 3_000_000);
      seen.length = 0;
      const [next] = await fleet.ask(1, [other]);
      expect(next).not.toEqual(given);
      expect(fleet.requests).toBe(2);
      await eventually(() => seen.some((command) => /^set .*:v1:\S{32} /i.test(command)));
      expect(seen.filter((command) => command.includes(newer))).toEqual([]);
      expect(await connection.get(newer)).toBe(sealedNewer);

      const its = JSON.parse(record) as Record<string, unknown>;
      const more = { ...its, g: 'of-a-newer-version', z: { t: 'no token', g: 1 }, m: 5, note: ['more'] };
      await connection.set(name, seal.seal(name, JSON.stringify(more)), 'PX', 3_000_000);
      expect(await fleet.ask(1, [third])).toEqual([given]);
      expect(fleet.requests).toBe(2);
      await expectAllIsWell(fleet);
    },
    LONGEST_MS,
  );
});
