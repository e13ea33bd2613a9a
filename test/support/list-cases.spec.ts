import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('./list-cases.mjs', import.meta.url));

/** What the command says of the tests in a folder, by default this project's own. */
function listCases(...folder: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...folder], { encoding: 'utf8' });
  const lineOf = (name: string): string => stdout.split('\n').find((line) => line.startsWith(name)) ?? '';
  return { status, lineOf, complaints: stderr };
}

it('Each known case has a test', () => {
  const { status, lineOf, complaints } = listCases();
  expect(complaints).toBe('');
  expect(status).toBe(0);
  expect(lineOf('T01')).toContain(join('test', 'e2e', 'token', 'herd.spec.ts'));
});

describe('the list of known cases', () => {
  const NAMING: Readonly<Record<string, string>> = {
    'a test': "it('T01 shares', () => {});",
    'a test of two cases': "it('T116 and T01 share', () => {});",
    'a group': "describe('T01 herds', () => {});",
    'a text in parts': "it(\n  'callers share ' +\n    'one request T01',\n  () => {},\n);",
    'a template': 'test(`T01 ${1}`, () => {});',
    'a table of many lines': "it.each([\n  ['a', () => f(')')],\n  ['b', g],\n])('T01 %s', (_, h) => h());",
    'a group with a table': "describe.each([\n  [1],\n])(\n  'T01 %i',\n  () => {},\n);",
    'a table in a template': 'it.each`\n  a\n  ${1}\n`("T01 $a", () => {});',
  };
  const NOT_NAMING: Readonly<Record<string, string>> = {
    'a comment': "// T02 shares\nit('shares', () => {});",
    'the body of a test': "it('shares', () => { expect('T02').toBe('T02'); });",
    'the rows of a table': "it.each(['T02'])('shares %s', () => {});",
    'a test that is skipped': "it.skip('T02 shares', () => {});",
    'a test yet to be written': "it.todo('T02 shares');",
  };
  const found = listedFrom({
    ...NAMING,
    ...NOT_NAMING,
    'a case that nobody knows': "it('T999 shares', () => {});",
  });

  it.each(Object.keys(NAMING))('finds a case in the title of %s', (file) => {
    expect(found.lineOf('T01')).toContain(`${file}.spec.ts`);
  });

  it.each(Object.keys(NOT_NAMING))('finds none in %s', (file) => {
    expect(found.lineOf('T02')).not.toContain(`${file}.spec.ts`);
  });

  it('is refused if a case has no test', () => {
    expect(found.status).toBe(1);
    expect(found.lineOf('T02')).toContain('NO TEST');
    expect(found.complaints).toContain('No test names T02, T03, ');
  });

  it('is refused if a test names an unknown case', () => {
    expect(found.complaints).toContain('T999 is not a known case, but named in ');
    expect(found.complaints).toContain('a case that nobody knows.spec.ts');
  });
});

/** Runs the command once for all, since it takes a compiler to read tests. */
function listedFrom(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'cases-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, `${name}.spec.ts`), text);
    return listCases(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
