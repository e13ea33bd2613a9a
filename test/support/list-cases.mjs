// Prints which test covers which known case: the cases are named `T01`, `T02` … in the titles of the tests. Fails if a case
// is covered by none, or a test names a case that is not known.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { casesIn } from './case-titles.mjs';
import { CASES_OF_THE_SHARED_STORE, KNOWN_CASES } from './known-cases.mjs';

const [folder = 'test'] = process.argv.slice(2);
const files = readdirSync(folder, { recursive: true })
  .filter((file) => file.endsWith('.spec.ts') && !file.includes('node_modules'))
  .map((file) => join(folder, file))
  .sort();

const covered = new Map();
for (const file of files)
  for (const name of casesIn(file)) covered.set(name, [...(covered.get(name) ?? []), file]);

const list = (cases, none) => {
  for (const [name, what] of Object.entries(cases))
    console.log(`${name}  ${what}: ${covered.get(name)?.join(', ') ?? none}`);
};
list(KNOWN_CASES, 'NO TEST');
console.log('\nWith the store that processes share, which is yet to come:');
list(CASES_OF_THE_SHARED_STORE, 'comes with the shared store');

const gaps = Object.keys(KNOWN_CASES).filter((name) => !covered.has(name));
const unknown = [...covered.keys()].filter(
  (name) => !(name in KNOWN_CASES) && !(name in CASES_OF_THE_SHARED_STORE),
);
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
