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

/** The arguments cannot be understood. The message names the cure; what may be a secret in the wrong place is not repeated. */
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
 * @throws UsageError for an option that is not among them, or lacks its value
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
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // Node's own second sentence is about arguments that begin with a dash, which no command takes.
    const [problem] = (error as Error).message.split(/\.\s|\n/, 1);
    const known = [...Object.keys(options), 'help', 'version'].map((name) => `--${name}`).join(', ');
    throw new UsageError(`${problem ?? 'The arguments cannot be read'}. The options are ${known}.`);
  }
}

/**
 * Refuses arguments that belong to no option.
 *
 * @throws UsageError
 */
export function assertOnlyOptions(positionals: readonly string[]): void {
  if (positionals.length === 0) return;
  throw new UsageError(
    'It takes nothing besides its options. Put a value that holds spaces in quotes, as in --scopes "ledger:read report:read".',
  );
}
