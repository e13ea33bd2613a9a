import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { GetAccessTokenOptions } from 'nestjs-asset-auth';
import { AssetSandbox, type SandboxTokenClaims } from 'nestjs-asset-auth/testing';

const file = fileURLToPath(new URL('./fleet-member.mjs', import.meta.url));
const fromSource = new URL('../../support/from-source.mjs', import.meta.url).href;

/** One process, which hosts an application for each fleet that it is in. */
export interface FleetMember {
  ask(command: string, value: object): Promise<unknown>;
  readonly isOver: boolean;
  /** Ends it at once (SIGKILL), whatever it is at. */
  kill(): Promise<void>;
}

interface Answer {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

/** @param offMs - how far its wall clock is from the machine's */
export async function startMember(offMs = 0): Promise<FleetMember> {
  const child = fork(file, [String(offMs)], {
    execArgv: ['--unhandled-rejections=strict', '--import', fromSource],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  const answered = (id: number): Promise<unknown> =>
    new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  child.on('message', ({ id, answer, error }: Answer) => {
    if (error === undefined) waiting.get(id)?.resolve(answer);
    else waiting.get(id)?.reject(new Error(error));
    waiting.delete(id);
  });
  child.on('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`A member ended: ${code ?? signal}.`));
  });
  let lastId = 0;
  await answered(lastId);
  return {
    get isOver() {
      return child.exitCode !== null || child.signalCode !== null;
    },
    ask: (command, value) => {
      lastId += 1;
      child.send({ id: lastId, command, value });
      return answered(lastId);
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** What a token is asked for. */
export interface Key {
  readonly scopes: readonly string[];
  readonly businessId: string;
}

/** How a fleet is set up. */
export interface FleetSetup {
  readonly members: readonly FleetMember[];
  /** Of the socket of the Redis that they share. */
  readonly path: string;
  /** Whether anything listens there; if so, the members connect before they use it. */
  readonly isThere?: boolean;
  readonly scopes?: number;
  readonly businesses?: number;
  readonly lifetimeSeconds: number;
  readonly latencyMs?: number;
  /** For all of them. */
  readonly options?: MemberOptions;
}

/** How options differ from those of the token server and the fleet. */
export interface MemberOptions {
  readonly baseUrl?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Where the client secret is read each time, in place of the one above. */
  readonly secretFile?: string;
  readonly storeKeys?: readonly string[];
  readonly storeTimeoutMs?: number;
}

/** How all members together fared. Tokens are judged by what the token server wrote down of them. */
export interface FleetUsage {
  readonly uses: number;
  /** Uses without a token at hand, although the process had held one for the key. */
  readonly blocked: number;
  /** Keys that a process used, and never had a token for. */
  readonly unserved: number;
  /** The codes of errors. */
  readonly failed: readonly string[];
  /** Tokens that were served after their expiry. */
  readonly expired: number;
  /** Tokens that were served for another key than theirs. */
  readonly wrong: number;
}

interface MemberUsage extends Pick<FleetUsage, 'uses' | 'blocked' | 'unserved' | 'failed'> {
  /** By the id of the token and the place of the key in the list: when it was last served. */
  readonly served: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

const CLIENTS = ['ioredis', 'redis'];
let fleets = 0;

/** As `openssl rand -base64 32` makes it. */
export const newStoreKey = (): string => randomBytes(32).toString('base64');

/**
 * Applications with one client id in several processes, which share their tokens through a Redis; with a token server of
 * their own. By turns their Redis clients are ioredis and node-redis.
 */
export class Fleet {
  readonly name: string;
  readonly storeKeys: readonly string[] = [newStoreKey()];
  readonly #members: FleetMember[] = [];
  /** Of members that have left. */
  readonly #left: MemberUsage[] = [];
  #joined = 0;

  private constructor(
    readonly sandbox: AssetSandbox,
    readonly keys: readonly Key[],
    private readonly setup: FleetSetup,
  ) {
    fleets += 1;
    this.name = `fleet-${fleets}`;
  }

  static async start(setup: FleetSetup): Promise<Fleet> {
    const { members, scopes = 2, businesses = 4, latencyMs = 75, options } = setup;
    const sandbox = await AssetSandbox.start({
      expiresIn: 'seconds',
      tokenLifetimeSeconds: setup.lifetimeSeconds,
      latencyMs: { token: latencyMs },
    });
    while (sandbox.businesses.length < businesses) sandbox.addBusiness();
    const keys = sandbox.settings.scopes
      .slice(0, scopes)
      .flatMap((scope) =>
        sandbox.businesses.slice(0, businesses).map(({ id }) => ({ scopes: [scope], businessId: id })),
      );
    const fleet = new Fleet(sandbox, keys, setup);
    await fleet.join(members, options);
    return fleet;
  }

  /** Starts an application in each of them. */
  async join(members: readonly FleetMember[], its: MemberOptions = {}): Promise<void> {
    const { path, isThere = true } = this.setup;
    const { name, storeKeys, prefix: storePrefix } = this;
    const options = { ...this.sandbox.moduleOptions(), storeKeys, storePrefix, ...its };
    const opened = members.map((member) => {
      const client = CLIENTS[this.#joined % CLIENTS.length];
      this.#joined += 1;
      return member.ask('open', { name, client, path, isThere, options });
    });
    await Promise.all(opened);
    this.#members.push(...members);
  }

  /** Ends their applications. How they fared counts on. */
  async leave(members: readonly FleetMember[]): Promise<void> {
    this.#left.push(...((await this.#all('usage', {}, members)) as MemberUsage[]));
    await this.#all('close', {}, members);
    for (const member of members) this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Each of them starts its application anew. */
  async restart(members: readonly FleetMember[], its: MemberOptions): Promise<void> {
    await this.leave(members);
    await this.join(members, its);
  }

  /** What the names of its records begin with. */
  get prefix(): string {
    return `${this.name}:`;
  }

  /** Each member uses each key about so often. */
  async use(everyMs = 1000, members: readonly FleetMember[] = this.#members): Promise<void> {
    await this.#all('use', { keys: this.keys, everyMs }, members);
  }

  /**
   * So many callers in each of the members and for each key, all at once.
   *
   * @returns the ids of the tokens that they got, by member
   */
  async ask(
    callers = 1,
    members: readonly FleetMember[] = this.#members,
    how?: GetAccessTokenOptions,
  ): Promise<readonly (readonly string[])[]> {
    return (await this.#all('ask', { keys: this.keys, callers, how }, members)) as string[][];
  }

  /** A member gives up all its tokens. */
  async invalidate(member: FleetMember): Promise<void> {
    await this.#all('invalidate', {}, [member]);
  }

  /** Each member makes one call to the API with each key. @returns the statuses */
  async call(): Promise<readonly number[]> {
    return ((await this.#all('call', { keys: this.keys })) as number[][]).flat();
  }

  /** How often the token server was asked. */
  get requests(): number {
    return this.sandbox.tokenRequests.length;
  }

  async usage(): Promise<FleetUsage> {
    const usages = [...this.#left, ...((await this.#all('usage', {})) as MemberUsage[])];
    const issued = new Map(this.sandbox.tokenRequests.map(({ claims }) => [claims?.jti, claims]));
    const served = usages
      .flatMap((usage) => Object.entries(usage.served))
      .flatMap(([jti, keys]) =>
        Object.entries(keys).map(([key, at]) => ({
          claims: issued.get(jti),
          key: this.keys[Number(key)],
          at,
        })),
      );
    const sum = (figure: 'uses' | 'blocked' | 'unserved'): number =>
      usages.reduce((total, usage) => total + usage[figure], 0);
    return {
      uses: sum('uses'),
      blocked: sum('blocked'),
      unserved: sum('unserved'),
      failed: usages.flatMap(({ failed }) => failed),
      expired: served.filter(({ claims, at }) => !(at < (claims?.expiresAt ?? 0))).length,
      wrong: served.filter(({ claims, key }) => !isOf(claims, key)).length,
    };
  }

  async close(): Promise<void> {
    await this.#all('close', {});
    await this.sandbox.close();
  }

  #all(command: string, value: object, members: readonly FleetMember[] = this.#members): Promise<unknown[]> {
    const present = members.filter(({ isOver }) => !isOver);
    return Promise.all(present.map((member) => member.ask(command, { name: this.name, ...value })));
  }
}

const isOf = (claims: SandboxTokenClaims | undefined, key: Key | undefined): boolean =>
  claims !== undefined &&
  claims.businessId === key?.businessId &&
  claims.scopes.join(' ') === key?.scopes.join(' ');
