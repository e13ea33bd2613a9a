const ascending = (values) => Float64Array.from(values).sort();

/** The value below which the given part of all values lies. */
export function quantile(values, part) {
  const sorted = ascending(values);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

export function median(values) {
  const sorted = ascending(values);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median over rounds, and between what the middle half of them lies. */
export const summary = (values) => {
  const [from, to] = [quantile(values, 0.25), quantile(values, 0.75)];
  return { median: median(values), from, to, rounds: values.length };
};

/** Latencies in milliseconds. */
export const latencies = (values) => ({
  p50: quantile(values, 0.5),
  p99: quantile(values, 0.99),
  p999: quantile(values, 0.999),
  longest: quantile(values, 1),
});
