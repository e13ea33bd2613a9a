const MOST_TURNS = 200_000;
const LONGEST_MS = 10_000;

/**
 * Resolves once the condition holds, looked at on each turn of the event loop. For what real sockets have yet to bring;
 * time is moved by the clock of the test and not waited for here.
 */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + LONGEST_MS;
  for (let turn = 0; turn < MOST_TURNS && performance.now() < end; turn += 1) {
    if (await condition()) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  throw new Error(
    `It did not come true within ${MOST_TURNS} turns or ${LONGEST_MS} ms: ${condition.toString()}`,
  );
}
