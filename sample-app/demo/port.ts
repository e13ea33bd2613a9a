const DEFAULT_PORT = 3000;
const HIGHEST_PORT = 65_535;

/** The port to listen on; 0 is any free one. */
export function portFrom(variable: string | undefined): number {
  if (variable === undefined) return DEFAULT_PORT;
  const port = /^\d{1,5}$/.test(variable) ? Number(variable) : Infinity;
  if (port <= HIGHEST_PORT) return port;
  throw new Error(`PORT must be a whole number from 0 to ${HIGHEST_PORT}, not ${JSON.stringify(variable)}.`);
}
