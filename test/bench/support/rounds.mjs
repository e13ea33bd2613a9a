import { summary } from './statistics.mjs';

/**
 * Runs each contestant once in each round, forwards and backwards by turns, so that whatever else the machine does falls
 * on all of them alike.
 *
 * @param contestants - by name, functions that measure once and answer `{ [figure]: number }`
 * @returns by name, each figure's values in the order of the rounds
 */
export async function interleaved(contestants, { rounds, warmUps = 1 }) {
  const names = Object.keys(contestants);
  const results = Object.fromEntries(names.map((name) => [name, {}]));
  for (let round = -warmUps; round < rounds; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      globalThis.gc?.();
      const figures = await contestants[name](round);
      if (round < 0) continue;
      for (const [figure, value] of Object.entries(figures)) (results[name][figure] ??= []).push(value);
    }
  }
  return results;
}

/** Median and spread of the ratio of two series, taken round by round. */
export const ratio = (values, baseline) => summary(values.map((value, i) => value / baseline[i]));
