// Prints which test covers which known case: the cases are named `T01`, `T02` … in the titles of the tests.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const files = readdirSync('test', { recursive: true })
  .filter((file) => file.endsWith('.spec.ts'))
  .map((file) => join('test', file))
  .sort();

const covered = new Map();
for (const file of files) {
  for (const [title] of readFileSync(file, 'utf8').matchAll(
    /\b(?:it|test|describe)(?:\.each\([^)]*\))?\(\s*['"`].*/g,
  )) {
    for (const [name] of title.matchAll(/\bT\d\d\b/g))
      covered.set(name, (covered.get(name) ?? new Set()).add(file));
  }
}

for (const name of [...covered.keys()].sort()) console.log(`${name}  ${[...covered.get(name)].join(', ')}`);
