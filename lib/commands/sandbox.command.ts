// Runs an AssetSandbox in the foreground, for applications that are tried by hand.
import { once } from 'node:events';
import { printable } from '../config/text.js';
import { AssetSandbox, type SandboxRequest, type SandboxRequestKind } from '../testing/index.js';
import { assertOnlyOptions, type Command, parsedArguments, UsageError, VALUE, VALUES } from './command.js';

const DEFAULT_PORT = 3999;

/** Always the same, so that an application's settings survive a restart. Of no value anywhere else. */
const ACCOUNT = { clientId: 'sandbox-client', clientSecret: 'sandbox-secret' };

/** It runs for days: less is remembered than in a test. A token that was forgotten is refused. */
const REMEMBERED = 10_000;

const help = (
  call: string,
): string => `Usage: ${call} [--port ${DEFAULT_PORT}] [--lifetime seconds] [--fail token=503] …

Runs a stand-in for Asset on this machine, until Ctrl-C. The variables that point an application at it go to the standard
output; everything else, such as a line for each request, goes to the standard error.
  --port      where it listens on 127.0.0.1; 0 for any free port (default: ${DEFAULT_PORT})
  --lifetime  seconds that a token lives (default: what is asked for)
  --fail      what goes wrong, for token requests (token=…) or all others (api=…): a status from 400 to 599, or hang for
              no answer at all. With x3 behind it, only the next three times. May be given several times; those of one
              kind are played in their order

Exit code 0: ended by Ctrl-C or SIGTERM. 2: it could not be started.

  ${call}
  ${call} --lifetime 10
  ${call} --fail token=503x3 --fail api=hangx1 --fail api=500`;

/** `nestjs-asset-auth sandbox`. */
export const sandbox: Command = { help, run };

interface Fault {
  readonly kind: SandboxRequestKind;
  readonly fault: { readonly status: number } | { readonly hang: true };
  readonly times: number;
}

async function run(args: readonly string[]): Promise<number> {
  const options = { port: VALUE, lifetime: VALUE, fail: VALUES };
  const { values, positionals } = parsedArguments(args, options);
  assertOnlyOptions(positionals, 'Name them, as in --port 4000 --fail token=503.');
  const port = portIn(values.port);
  const lifetime = lifetimeIn(values.lifetime);
  const faults = (values.fail ?? []).map(faultIn);
  const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  const started = await startOn(port, lifetime);
  for (const { kind, fault, times } of faults) started.fail(kind, fault, times);
  process.stdout.write(variablesOf(started));
  const [business] = started.businesses;
  process.stderr.write(
    `Asset's stand-in listens on ${started.url}, until Ctrl-C. A business of it: ${business?.id}\n`,
  );
  await ended;
  await started.close();
  return 0;
}

function portIn(text = String(DEFAULT_PORT)): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port <= 65_535) return port;
  throw new UsageError('--port takes a whole number from 0 to 65535.');
}

function lifetimeIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new UsageError('--lifetime takes a whole number of seconds from 1 to 999999999.');
}

function faultIn(text: string): Fault {
  const [, kind, fault, times] = /^(token|api)=(hang|[45]\d\d)(?:x([1-9]\d{0,8}))?$/.exec(text) ?? [];
  if (kind === undefined) {
    throw new UsageError(
      '--fail takes token or api, "=", and a status from 400 to 599 or hang, as in token=503, api=hang or token=500x3.',
    );
  }
  return {
    kind: kind as SandboxRequestKind,
    fault: fault === 'hang' ? { hang: true } : { status: Number(fault) },
    times: times === undefined ? Infinity : Number(times),
  };
}

async function startOn(port: number, tokenLifetimeSeconds: number | undefined): Promise<AssetSandbox> {
  const onRequest = (request: SandboxRequest): void => {
    process.stderr.write(`${lineOf(request)}\n`);
  };
  const options = { ...ACCOUNT, port, tokenLifetimeSeconds, maxRecordedRequests: REMEMBERED, onRequest };
  try {
    return await AssetSandbox.start(options);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    if (typeof code !== 'string') throw error;
    const why = code === 'EADDRINUSE' ? 'is taken by another process' : `cannot be had (${code})`;
    throw new Error(`Port ${port} ${why}. Choose another one with --port, or any free one with --port 0.`, {
      cause: error,
    });
  }
}

/** Needs no quoting in a shell: the account and the address are plain. */
const variablesOf = ({ url, clientId, clientSecret }: AssetSandbox): string =>
  `export ASSET_BASE_URL=${url}
export ASSET_CLIENT_ID=${clientId}
export ASSET_CLIENT_SECRET=${clientSecret}
`;

/** Without the query and all headers: they may hold a token. */
function lineOf(request: SandboxRequest): string {
  const { method, path, status = 'no answer', claims } = request;
  const parts = [method, printable(path.replace(/\?.*/s, '')), status];
  if (claims !== undefined) {
    parts.push(`scopes ${claims.scopes.join(' ') || 'none'}`);
    if (claims.businessId !== undefined) parts.push(`business ${claims.businessId}`);
  } else if (request.kind === 'token') {
    const { scope, business_id: businessId } = request.form;
    parts.push(`asked for scopes ${shown(scope)}`);
    if (businessId !== undefined) parts.push(`business ${shown(businessId)}`);
  }
  return parts.join(' ');
}

const shown = (field: string | readonly string[] | undefined): string =>
  field === undefined ? 'none' : printable(String(field));
