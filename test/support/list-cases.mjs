// Prints which test covers which known case: the cases are named `T01`, `T02` … in the titles of the tests. Fails if a case
// is covered by none, or a test names a case that is not known.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { casesIn } from './case-titles.mjs';
import { KNOWN_CASES } from './known-cases.mjs';

const [folder = 'test'] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.spec.ts') && !file.includes('node_modules'))
  .map((file) => join(folder, file))
  .sort();

const covered = new Map();
for (const file of files)
  for (const name of casesIn(file)) covered.set(name, [...(covered.get(name) ?? []), file]);

for (const [name, what] of Object.entries(KNOWN_CASES))
  console.log(`${name}  ${what}: ${covered.get(name)?.join(', ') ?? 'NO TEST'}`);

const gaps = Object.keys(KNOWN_CASES).filter((name) => !covered.has(name));
const unknown = [...covered.keys()].filter((name) => !(name in KNOWN_CASES));
if (gaps.length > 0) {
  console.error(
    `\nNo test names ${gaps.join(', ')}. Name the test that covers it in its title, or write one.`,
  );
  process.exitCode = 1;
}
for (const name of unknown.sort()) {
  console.error(
    `\n${name} is not a known case, but named in ${covered.get(name).join(', ')}. Correct it, or add it to test/support/known-cases.mjs.`,
  );
  process.exitCode = 1;
}
