/** What a test opened, closed after it in reverse order, whether it passed or not. */
const opened: (() => unknown)[] = [];

export function afterThisTest(close: () => unknown): void {
  opened.push(close);
}

afterEach(async () => {
  for (let close = opened.pop(); close !== undefined; close = opened.pop()) await close();
});
