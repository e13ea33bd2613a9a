/** What the benchmarks post: about 1 kB as JSON. */
export const JOURNAL_ENTRY = {
  date: '2026-01-31',
  ledgerId: 'led_000001',
  description: 'Salaries of January',
  lines: Array.from({ length: 8 }, (_, i) => ({
    account: `${6000 + i}`,
    description: `Department ${i + 1}, salaries and social insurance`,
    debit: i === 7 ? '0.00' : `${1000 + i}.50`,
    credit: i === 7 ? '7024.50' : '0.00',
  })),
};
