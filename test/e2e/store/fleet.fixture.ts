import { randomBytes } from 'node:crypto';
import type { AssetAuthOptions, AssetClock } from 'nestjs-asset-auth';
import { type AssetSandbox, type AssetSandboxOptions, ManualClock } from 'nestjs-asset-auth/testing';
import { type RunningApplication, startApplication } from '../../support/application.js';
import { eventually } from '../../support/eventually.js';
import { keepSecret } from '../../support/no-secrets.js';
import { recordingLogger, type RecordingLogger } from '../../support/recording-logger.js';
import { startSandbox } from '../../support/sandbox.js';
import { FaultyTokenStore } from '../../support/store-faults.js';

/** A key as `openssl rand -base64 32` makes it. It may show up nowhere. */
export function newStoreKey(): string {
  const key = randomBytes(32).toString('base64');
  keepSecret(key);
  return key;
}

export type Member = RunningApplication;

export interface FleetParts {
  readonly size?: number;
  readonly options?: Partial<AssetAuthOptions>;
  /** How one member's options differ, by its place. */
  readonly optionsOf?: (place: number) => Partial<AssetAuthOptions>;
  /** The clock of one member, by its place. By default all share that of the store and the sandbox. */
  readonly clockOf?: (place: number) => AssetClock;
  readonly sandboxOptions?: AssetSandboxOptions;
}

/** Applications that share a store, as processes do. */
export interface Fleet {
  readonly members: readonly Member[];
  /** The first two of them. */
  readonly one: Member;
  readonly other: Member;
  readonly store: FaultyTokenStore;
  readonly sandbox: AssetSandbox;
  readonly clock: ManualClock;
  readonly storeKeys: readonly string[];
  /** Starts one more. */
  readonly add: (options?: Partial<AssetAuthOptions>, clock?: AssetClock) => Promise<Member>;
  /** Lets time pass for all, and what it sets off come to its end. */
  readonly pass: (ms: number, stepMs?: number) => Promise<void>;
  /** Nest has one for all applications of a process. */
  readonly logger: RecordingLogger;
  /** What is said of the store at `warn` and `log`. */
  readonly saidOfStore: () => readonly string[];
}

export async function startFleet(parts: FleetParts = {}): Promise<Fleet> {
  const { size = 2, options, optionsOf, clockOf } = parts;
  const clock = new ManualClock();
  const sandbox = await startSandbox({ clock, ...parts.sandboxOptions });
  const store = new FaultyTokenStore(clock);
  const storeKeys = [newStoreKey()];
  const logger = recordingLogger();
  const members: Member[] = [];
  const add: Fleet['add'] = async (its = {}, itsClock = clock) => {
    const member = await startApplication({
      sandbox,
      logger,
      clock: itsClock,
      options: { store, storeKeys, ...options, ...its },
    });
    members.push(member);
    return member;
  };
  for (let place = 0; place < size; place += 1) await add(optionsOf?.(place), clockOf?.(place));
  const clocks = new Set([clock, ...members.map((member) => member.clock)]);
  const pass: Fleet['pass'] = async (ms, stepMs = ms) => {
    for (let left = ms; left > 0; left -= stepMs) {
      const step = Math.min(stepMs, left);
      await Promise.all([...clocks].map((each) => each.advance(step)));
      await eventually(() =>
        members.every(({ tokens }) => tokens.snapshot().every(({ refreshing }) => !refreshing)),
      );
    }
  };
  const saidOfStore: Fleet['saidOfStore'] = () =>
    logger.lines
      .filter(({ level, text }) => level !== 'debug' && text.includes('token store'))
      .map(({ level, text }) => `${level} ${text}`);
  return {
    members,
    one: members[0]!,
    other: members[1]!,
    store,
    sandbox,
    clock,
    storeKeys,
    logger,
    add,
    pass,
    saidOfStore,
  };
}

/** Resolves when nothing is under way that a turn of the event loop or two would not end: writes that nobody waits for. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** Moves the clock as far as the promise needs it, at most `mostMs`. @returns how far */
export async function movedUntil(
  clock: ManualClock,
  promise: Promise<unknown>,
  mostMs: number,
): Promise<number> {
  let isOver = false;
  const end = (): void => {
    isOver = true;
  };
  promise.then(end, end);
  const from = clock.monotonic();
  await eventually(async () => {
    const [next] = clock.timers;
    const left = mostMs - (clock.monotonic() - from);
    if (!isOver && next !== undefined && next.dueInMs <= left) await clock.advance(next.dueInMs);
    return isOver;
  });
  return clock.monotonic() - from;
}
