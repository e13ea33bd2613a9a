// Which tokens are fetched while the application boots, and what happens without them.
import { type AssetScopes, businessIdProblem, byPlace, resourceProblem, scopesProblem } from './scope-set.js';
import { described, printable } from './text.js';

const MODES = ['lazy', 'warm', 'required'] as const;

/** What is done at boot: nothing; fetch tokens, and log if that fails; refuse to boot without them. */
export type AssetStartupMode = (typeof MODES)[number];

/**
 * A token to fetch at boot. What is left out is the module's default; `null`: explicitly none.
 *
 * @example
 * ```ts
 * const request: AssetStartupRequest = { scopes: ['ledger:read'], businessId: 'biz_GA6EG2qFxA97NZHtxeLPUy' };
 * ```
 */
export interface AssetStartupRequest {
  readonly scopes?: AssetScopes | null | undefined;
  readonly businessId?: string | null | undefined;
  /** Resource indicators (RFC 8707). */
  readonly resource?: string | readonly string[] | null | undefined;
}

/**
 * The option `startup` with the tokens that it is about.
 *
 * @example
 * ```ts
 * const startup: AssetStartup = { mode: 'required', requests: [{ scopes: 'ledger:read' }, { scopes: 'report:read' }] };
 * ```
 */
export interface AssetStartup {
  readonly mode: AssetStartupMode;
  /**
   * The tokens to fetch.
   *
   * @default the one of the module's default scopes, business and resource
   */
  readonly requests?: readonly AssetStartupRequest[] | undefined;
}

/** What is to be done at boot, for an option in which {@link startupProblem} found nothing. */
export function startupPlan(startup: AssetStartupMode | AssetStartup = 'lazy'): Required<AssetStartup> {
  const { mode, requests = [{}] } = typeof startup === 'string' ? { mode: startup } : startup;
  const copies = mode === 'lazy' ? [] : requests.map((request) => Object.freeze({ ...request }));
  return { mode, requests: Object.freeze(copies) };
}

const TAKES = `must be exactly ${MODES.map((mode) => `'${mode}'`).join(' or ')}`;
const KNOWN: readonly string[] = ['scopes', 'businessId', 'resource'];

/** What is wrong with the option by itself, or `undefined` if nothing is. */
export function startupProblem(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return isMode(value) ? undefined : TAKES;
  if (!isRecord(value)) return `${TAKES}, not ${described(value)}`;
  const { mode, requests, ...others } = value;
  const [unknown] = Object.keys(others);
  if (!isMode(mode) || unknown !== undefined) {
    return `${TAKES}, or { mode, requests } with such a mode${unknown === undefined ? '' : ` and without "${printable(unknown, 40)}"`}`;
  }
  if (requests === undefined) return undefined;
  if (mode === 'lazy') return "names requests, and 'lazy' makes none. Say 'warm' or 'required'";
  if (!Array.isArray(requests) || requests.length === 0) {
    return 'must name its requests in a list such as [{ scopes: "ledger:read" }]. Leave them out for the default token';
  }
  const problems = requests.map((request, index) => requestProblem(request, `request ${index + 1}`));
  return problems.find((problem) => problem !== undefined);
}

const isMode = (value: unknown): value is AssetStartupMode => MODES.some((mode) => mode === value);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** No text is repeated: like any option, it may hold a secret that belongs elsewhere. */
function requestProblem(request: unknown, name: string): string | undefined {
  const known = `${name} must be an object of ${KNOWN.join(', ')}`;
  if (!isRecord(request)) return `${known}, not ${described(request)}`;
  const unknown = Object.keys(request).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) return `${known}, without "${printable(unknown, 40)}"`;
  const { scopes = null, businessId = null, resource = null } = request;
  if (scopes !== null) {
    const problem = scopesProblem(scopes, byPlace);
    if (problem !== undefined) return `the scopes of ${name} cannot be used: ${problem}`;
  }
  if (businessId !== null) {
    const problem = businessIdProblem(businessId, `the businessId of ${name}`);
    if (problem !== undefined) return problem;
  }
  const problem = resource === null ? undefined : resourceProblem(resource);
  return problem === undefined ? undefined : `the resource of ${name} ${problem}`;
}
