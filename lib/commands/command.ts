// What the commands have in common: how one is described, and how its arguments are read.
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** One command of `nestjs-asset-auth`. */
export interface Command {
  /**
   * What `--help` prints.
   *
   * @param call - how the command was called, such as `nestjs-asset-auth check`
   */
  readonly help: (call: string) => string;
  /**
   * Does it, and answers the exit code.
   *
   * @param args - what stands behind the name of the command
   * @throws UsageError for arguments that cannot be understood
   */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/**
 * The arguments cannot be understood. The message names the cure. It repeats no argument but the name of an option that there
 * is: anything else may be a secret in the wrong place.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An option with a value. */
export const VALUE = { type: 'string' } as const;
/** An option with a value, which may be given several times. */
export const VALUES = { type: 'string', multiple: true } as const;
/** An option without a value. */
export const FLAG = { type: 'boolean' } as const;

/**
 * Reads the arguments of a command.
 *
 * @throws UsageError for an option that is not among them, lacks its value, or is repeated though it is not for several values
 *
 * @example
 * ```ts
 * const { values, positionals } = parsedArguments(args, { port: VALUE, fail: VALUES });
 * ```
 */
export function parsedArguments<T extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: T,
): ReturnType<typeof parseArgs<{ options: T; allowPositionals: true }>> {
  const config = { args: [...args], options, allowPositionals: true } as const;
  // Not strict, so that it tells of each argument what it is, whatever the others are.
  const { tokens } = parseArgs({ ...config, strict: false, tokens: true });
  const given = tokens.filter((token) => token.kind === 'option');
  const known = [...Object.keys(options), 'help', 'version'].map((name) => `--${name}`).join(', ');
  const unknown = given.find(({ name }) => !Object.hasOwn(options, name));
  if (unknown !== undefined) {
    const place = unknown.index + 1;
    throw new UsageError(
      `There is no such option as argument ${place} behind the name of the command. The options are ${known}.`,
    );
  }
  const names = given.map(({ name }) => name);
  const repeated = names.find((name, place) => names.indexOf(name) < place && !options[name]?.multiple);
  if (repeated !== undefined) {
    throw new UsageError(`--${repeated} is given more than once, and only one would count. Give it once.`);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    // Node's own second sentence is about arguments that begin with a dash, which no command takes.
    const [problem] = (error as Error).message.split(/\.\s|\n/, 1);
    throw new UsageError(`${problem ?? 'The arguments cannot be read'}. The options are ${known}.`);
  }
}

/**
 * Refuses arguments that belong to no option.
 *
 * @param cure - what to write instead, as a sentence
 * @throws UsageError
 */
export function assertOnlyOptions(positionals: readonly string[], cure: string): void {
  if (positionals.length > 0) throw new UsageError(`It takes nothing besides its options. ${cure}`);
}
