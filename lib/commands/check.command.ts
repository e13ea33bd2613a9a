// Asks for a token with the options of the environment and says what was granted: for people, and for a deployment's gate.
import { describeGrant, type AssetTokenRequest } from '../token/token-request.js';
import {
  assertOnlyOptions,
  type Command,
  FLAG,
  parsedArguments,
  UsageError,
  VALUE,
  VALUES,
} from './command.js';
import { checkToken, type CheckOutcome, type CheckReport } from './token-check.js';
import type { TokenReport } from './token-report.js';

const help = (
  call: string,
): string => `Usage: ${call} [--scopes "ledger:read ledger:update"] [--business biz_…] [--resource uri] [--json]

Asks Asset for a token with the ASSET_* variables of the environment, and says what was granted. The token and the secret
are never shown. What an application sets in code besides, such as a proxy agent, is not known here.
  --scopes    what to ask for, separated by spaces (default: ASSET_SCOPES)
  --business  the business to narrow the token to (default: ASSET_BUSINESS_ID)
  --resource  what the token is for (RFC 8707); may be given several times (default: ASSET_RESOURCE)
  --json      print one line of JSON on the standard output

It takes ASSET_TOKEN_TIMEOUT_MS at most (default: 10000).
Exit code 0: granted as asked, as far as the token tells. 1: refused, or granted something else. 2: Asset gave no verdict,
since the arguments or the configuration are wrong, or it was unavailable; or the result could not be printed.

A token need not tell what it grants. With --json, "outcome" is "as-asked" only if the claims of the token confirm all that
was asked for. Else it is "as-asked-as-far-as-told", and "untold" lists what they do not confirm: "scopes", "business",
"resource". The last also if the audience of the token (aud) is another text; Asset may call the resource otherwise there.

  ${call} --scopes "ledger:read report:read"
  ${call} --scopes ledger:read --business biz_GA6EG2qFxA97NZHtxeLPUy --json
  node --env-file=.env node_modules/.bin/${call}`;

const EXAMPLE = '"ledger:read report:read"';

/** `nestjs-asset-auth check`. */
export const check: Command = { help, run };

const EXIT_CODES: Readonly<Record<CheckOutcome, number>> = {
  'as-asked': 0,
  'as-asked-as-far-as-told': 0,
  'granted-otherwise': 1,
  refused: 1,
  'bad-arguments': 2,
  'bad-configuration': 2,
  unavailable: 2,
};

async function run(args: readonly string[]): Promise<number> {
  const options = { scopes: VALUE, business: VALUE, resource: VALUES, json: FLAG };
  const { values, positionals } = parsedArguments(args, options);
  assertOnlyOptions(positionals, `Put scopes in quotes, as in --scopes ${EXAMPLE}.`);
  const { scopes, business: businessId, resource } = values;
  const asked: AssetTokenRequest = { scopes: scopes && listOf(scopes), businessId, resource };
  const report = await checkToken(process.env, asked);
  const exitCode = EXIT_CODES[report.outcome];
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify(report)}\n`);
  } else {
    const facts = factsOf(report).map((line) => `${line}\n`);
    process.stdout.write(facts.join(''));
    const stream = exitCode === 0 ? process.stdout : process.stderr;
    stream.write(`${resultOf(report)}\n`);
  }
  return exitCode;
}

/** A scope may hold a comma (RFC 6749 §3.3), but here it is a slip, as it is in `ASSET_SCOPES`. */
function listOf(scopes: string): readonly string[] {
  if (/[,;]/.test(scopes)) {
    throw new UsageError(`Separate the scopes by spaces, as in --scopes ${EXAMPLE}.`);
  }
  return scopes.split(/\s+/).filter((scope) => scope !== '');
}

function factsOf({ environment, origin, clientId, asked, token }: CheckReport): readonly string[] {
  const lines: string[] = [];
  if (origin !== undefined) {
    const place = environment === origin ? origin : `${environment}, ${origin}`;
    lines.push(`Endpoint:   ${place}`, `Client id:  ${clientId}`);
  }
  if (asked !== undefined) lines.push(`Asked for:  ${describeGrant(asked)}`);
  if (token !== undefined) {
    const { lifetimeSeconds, expiresAt, requestMs } = token;
    lines.push(`Came back:  a token for ${lifetimeSeconds} s, until ${expiresAt}, after ${requestMs} ms`);
    lines.push(`It grants:  ${grantOf(token)}`);
  }
  return lines;
}

function grantOf({ kind, scopes, businessId }: TokenReport): string {
  if (kind === 'opaque') return 'not told, since the token is opaque';
  if (scopes === undefined && businessId === undefined) return 'not told by the claims of the token';
  const parts = [
    scopes === undefined ? 'scopes that its claims do not tell' : `scopes ${scopes.join(' ')}`,
    ...(businessId === undefined ? [] : [`business ${businessId}`]),
  ];
  return parts.join(', ');
}

function resultOf({ outcome, reason }: CheckReport): string {
  const words =
    outcome === 'as-asked-as-far-as-told'
      ? 'as asked, as far as the token tells'
      : outcome.replaceAll('-', ' ');
  return `Result:     ${words}${reason === undefined ? '' : `: ${reason}`}`;
}
