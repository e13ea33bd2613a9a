import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AssetSandbox } from 'nestjs-asset-auth/testing';
import { afterThisTest } from '../../support/cleanup.js';
import { compiledLibrary } from '../../support/compiled-library.mjs';
import { wasLogged } from '../../support/no-secrets.js';

const library = await compiledLibrary();

export type Variables = Readonly<Record<string, string>>;

/** How a command ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** A command in a process of its own, from the sources, with no variables but those given. */
export class CommandProcess {
  readonly #child: ChildProcess;
  readonly ended: Promise<Ended>;
  output = '';
  errors = '';

  constructor(args: readonly string[], variables: Variables = {}, program = 'nestjs-asset-auth') {
    const file = fileURLToPath(new URL(`commands/${program}.js`, library));
    this.#child = spawn(process.execPath, ['--unhandled-rejections=strict', file, ...args], {
      env: { PATH: process.env.PATH, NO_COLOR: '1', ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.ended = once(this.#child, 'close').then(() => {
      const { output, errors } = this;
      return { code: this.#child.exitCode, output, errors };
    });
    afterThisTest(() => this.#child.kill('SIGKILL'));
  }

  /** Waits until the standard error holds what is looked for. */
  async told(pattern: RegExp): Promise<void> {
    const over = this.ended.then(() => true);
    while (!pattern.test(this.errors)) {
      const isOver = await Promise.race([over, once(this.#child.stderr!, 'data').then(() => false)]);
      if (isOver && !pattern.test(this.errors)) throw new Error(`It ended before:\n${this.errors}`);
    }
  }

  /** As a pipe into a command that has ended. */
  stopReading(): void {
    this.#child.stdout!.destroy();
  }

  async stop(signal: 'SIGINT' | 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal);
    return this.ended;
  }
}

/** Runs a command to its end. Nothing that it prints may hold a secret of the sandboxes of this test. */
export async function command(
  args: readonly string[],
  variables?: Variables,
  program?: string,
): Promise<Ended> {
  const ended = await new CommandProcess(args, variables, program).ended;
  wasLogged([ended.output, ended.errors]);
  return ended;
}

/** The variables that point an application at a sandbox. */
export const variablesFor = ({ url, clientId, clientSecret }: AssetSandbox): Variables => ({
  ASSET_BASE_URL: url,
  ASSET_CLIENT_ID: clientId,
  ASSET_CLIENT_SECRET: clientSecret,
});
