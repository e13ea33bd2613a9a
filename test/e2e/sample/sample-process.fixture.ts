import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterThisTest } from '../../support/cleanup.js';

/** What `npm start` runs, and the application without the demo around it. */
export const DEMO = 'dist/sample-app/demo/main.js';
export const PLAIN = 'dist/sample-app/main.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The built sample in a process of its own, as `npm start` runs it. */
export class SampleProcess {
  readonly #child: ChildProcess;
  readonly exit: Promise<Exit>;
  #output = '';

  constructor(variables: Readonly<Record<string, string>>, main = DEMO) {
    if (!existsSync(main)) throw new Error(`There is no ${main}. Run "npm run build" before this test.`);
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(ASSET_.*|AGED_PAYABLES_JOB|NODE_OPTIONS|PORT|REDIS_URL|SANDBOX_PORT)$/.test(name),
    );
    this.#child = spawn(process.execPath, ['--unhandled-rejections=strict', main], {
      // The job would come in between whenever a minute is over.
      env: { ...Object.fromEntries(inherited), NO_COLOR: '1', AGED_PAYABLES_JOB: 'off', ...variables },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    // 'close' and not 'exit': what it printed last has arrived by then.
    this.exit = once(this.#child, 'close').then(
      ([code, signal]: Exit[keyof Exit][]) => ({ code, signal }) as Exit,
    );
    afterThisTest(() => this.#child.kill('SIGKILL'));
  }

  get output(): string {
    return this.#output;
  }

  /** What it prints once it listens, from the line of its address on. */
  async welcome(): Promise<string> {
    await this.printed(/^ {2}curl \S+\/tokens$/m);
    return this.#output.slice(this.#output.indexOf('The sample application listens on '));
  }

  async printed(pattern: RegExp): Promise<void> {
    const ended = this.exit.then(() => true);
    while (!pattern.test(this.#output)) {
      const isOver = await Promise.race([ended, once(this.#child.stdout!, 'data').then(() => false)]);
      if (isOver) throw new Error(`The sample ended before it listened:\n${this.#output}`);
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGINT'): Promise<Exit> {
    this.#child.kill(signal);
    return this.exit;
  }
}
