const digits = (value) => {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
};

const isSummary = (value) => typeof value === 'object' && value !== null && 'median' in value;

/** `1.02 (0.99–1.05)` for a summary over rounds, the value itself otherwise. */
export function shown(value) {
  if (isSummary(value)) return `${digits(value.median)} (${digits(value.from)}–${digits(value.to)})`;
  return typeof value === 'number' ? digits(value) : String(value ?? '');
}

/** A goal that a figure has to reach: `{ atLeast }`, `{ atMost }` or `{ exactly }`. */
export function isReached(value, { atLeast, atMost, exactly }) {
  const number = isSummary(value) ? value.median : value;
  if (exactly !== undefined) return number === exactly;
  return atLeast === undefined ? number <= atMost : number >= atLeast;
}

const goalText = ({ atLeast, atMost, exactly }) => {
  if (exactly !== undefined) return `= ${exactly}`;
  return atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
};

/** One line of a report: what was measured, the value, and the goal if there is one. */
export const row = (figure, value, { goal, unit = '' } = {}) => ({
  figure,
  value,
  unit,
  ...(goal && { goal, reached: isReached(value, goal) }),
});

export function printRows(title, rows, print = console.log) {
  const lines = rows.map(({ figure, value, unit, goal, reached }) => [
    figure,
    `${shown(value)} ${unit}`.trim(),
    goal === undefined ? '' : `${goalText(goal)}  ${reached ? 'reached' : 'MISSED'}`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...lines.map((line) => line[column].length)));
  print(`\n${title}`);
  for (const [figure, value, goal] of lines) {
    print(`  ${figure.padEnd(widths[0])}  ${value.padStart(widths[1])}  ${goal}`.trimEnd());
  }
}
