const HIGHEST_PORT = 65_535;

/** The port that a variable names; 0 is any free one. */
export function portFrom(variable: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity;
  if (port <= HIGHEST_PORT) return port;
  throw new Error(
    `${variable} must be a whole number from 0 to ${HIGHEST_PORT}, not ${JSON.stringify(text)}.`,
  );
}
