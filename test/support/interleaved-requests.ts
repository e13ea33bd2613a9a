/**
 * How many requests the tests of interleaved requests make: enough that each combination of handler and business comes by
 * a dozen times. `INTERLEAVED_REQUESTS=10000 npm test` looks harder for a rare leak.
 */
export const INTERLEAVED_REQUESTS = Number(process.env.INTERLEAVED_REQUESTS ?? 2500);
