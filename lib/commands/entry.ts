// From the arguments of the process to its exit code. A command is loaded only when it is called: `sandbox` needs no Nest.
import { type Command, UsageError } from './command.js';

const NAME = 'nestjs-asset-auth';

interface Listed {
  readonly does: string;
  readonly load: () => Promise<Command>;
}

const COMMANDS = {
  check: {
    does: 'asks for a token as an application in this environment would, and says what was granted',
    load: async () => (await import('./check.command.js')).check,
  },
  sandbox: {
    does: 'runs a stand-in for Asset on this machine',
    load: async () => (await import('./sandbox.command.js')).sandbox,
  },
  scopes: {
    does: 'lists the scopes that a built Nest application may ask for',
    load: async () => (await import('./scopes.command.js')).scopes,
  },
} satisfies Record<string, Listed>;

const USAGE = `Usage: ${NAME} <command> [options]

${Object.entries(COMMANDS)
  .map(([name, { does }]) => `  ${name.padEnd(9)}${does}`)
  .join('\n')}

  --help     tells more of a command: ${NAME} check --help
  --version  prints the version`;

/**
 * Runs what the arguments name, and sets the exit code: 0 if all is well, 1 if the command found what it looks for, 2 if it
 * could not be run.
 *
 * @param args - the name of the command, and its own arguments
 *
 * @example
 * ```ts
 * start(process.argv.slice(2));
 * ```
 */
export function start(args: readonly string[]): void {
  const [name, ...rest] = args;
  if (isCommand(name)) startCommand(name, rest, `${NAME} ${name}`);
  else settle(NAME, () => withoutCommand(name));
}

/**
 * The same for one command, under a name of its own.
 *
 * @param args - its own arguments
 * @param call - how it was called
 */
export function startCommand(name: keyof typeof COMMANDS, args: readonly string[], call: string): void {
  settle(call, () => runCommand(name, args, call));
}

async function runCommand(
  name: keyof typeof COMMANDS,
  args: readonly string[],
  call: string,
): Promise<number> {
  const command = await COMMANDS[name].load();
  if (args.some(isHelp)) return print(command.help(call));
  if (args.includes('--version')) return printVersion();
  try {
    return await command.run(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message}\n\n${command.help(call)}`);
  }
}

async function withoutCommand(name: string | undefined): Promise<number> {
  if (name === undefined) throw new UsageError(`Which command?\n\n${USAGE}`);
  if (isHelp(name)) return print(USAGE);
  if (name === '--version') return printVersion();
  throw new UsageError(`There is no such command.\n\n${USAGE}`);
}

/** The process ends by itself, once the command has let go of everything: what was printed is never cut off. */
function settle(call: string, run: () => Promise<number>): void {
  const output = watchOutput(call);
  run().then(
    (code) => {
      process.exitCode = output.isLost ? 2 : code;
    },
    (error: unknown) => {
      process.stderr.write(`${call}: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 2;
    },
  );
}

/** What is not printed is no verdict: a reader that is gone, or a disk that is full, is no refusal. */
function watchOutput(call: string): { readonly isLost: boolean } {
  const output = { isLost: false };
  const lost = (): void => {
    output.isLost = true;
    process.exitCode = 2;
  };
  process.stdout.once('error', ({ code, message }: NodeJS.ErrnoException) => {
    process.stderr.write(`${call}: The standard output cannot be written (${code ?? message}).\n`);
  });
  for (const stream of [process.stdout, process.stderr]) stream.on('error', lost);
  return output;
}

const isCommand = (name: string | undefined): name is keyof typeof COMMANDS =>
  name !== undefined && Object.hasOwn(COMMANDS, name);

const isHelp = (argument: string): boolean => argument === '--help' || argument === '-h';

async function printVersion(): Promise<number> {
  return print((await import('../config/user-agent.js')).VERSION);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
