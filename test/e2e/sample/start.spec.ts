import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterThisTest } from '../../support/cleanup.js';

/** Stands in for `nest build`: says what it builds, and fails where a source says so. */
const BUILD = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const [, , name, source, product] = process.argv;
console.log('building ' + name);
if (readFileSync(source, 'utf8') === 'broken') process.exit(1);
mkdirSync(product.replace(/\\/[^/]*$/, ''), { recursive: true });
writeFileSync(product, "console.log('started')");
`;

/** A repository with the script that `npm start` runs, and builds that take no time. */
function repository() {
  const root = mkdtempSync(join(tmpdir(), 'sample-start-'));
  afterThisTest(() => {
    rmSync(root, { recursive: true });
  });
  const write = (path: string, text: string): void => {
    writeFileSync(join(root, path), text);
  };
  mkdirSync(join(root, 'lib'));
  mkdirSync(join(root, 'sample-app/demo'), { recursive: true });
  cpSync('sample-app/demo/start.mjs', join(root, 'sample-app/demo/start.mjs'));
  write('build.mjs', BUILD);
  write('lib/index.ts', 'one');
  write('sample-app/main.ts', 'one');
  write(
    'package.json',
    JSON.stringify({
      scripts: {
        'build:esm': 'node build.mjs library lib/index.ts dist/esm/index.js',
        'build:sample': 'node build.mjs sample sample-app/main.ts dist/sample-app/demo/main.js',
      },
    }),
  );
  const start = (): { readonly status: number | null; readonly lines: readonly string[] } => {
    const { status, stdout } = spawnSync(process.execPath, ['sample-app/demo/start.mjs'], {
      cwd: root,
      encoding: 'utf8',
    });
    return { status, lines: stdout.trim().split('\n') };
  };
  const remove = (path: string): void => {
    rmSync(join(root, path), { recursive: true });
  };
  return { start, write, remove };
}

const BUILDING = expect.stringMatching(/^Building first, which takes about half a minute\./) as string;
const BUILT = expect.stringMatching(/^Built in \d+\.\d s\.$/) as string;
const BUILDS_BOTH = [BUILDING, 'building library', 'building sample', BUILT, 'started'];

describe('npm start', () => {
  it('builds first and says how long that took, and only starts the next time', () => {
    const { start } = repository();
    expect(start()).toEqual({ status: 0, lines: BUILDS_BOTH });
    expect(start()).toEqual({ status: 0, lines: ['started'] });
  });

  it('builds again what a change concerns', () => {
    const { start, write, remove } = repository();
    start();
    write('sample-app/main.ts', 'another');
    expect(start().lines).toEqual([BUILDING, 'building sample', BUILT, 'started']);
    write('lib/more.ts', 'more');
    expect(start().lines).toEqual(BUILDS_BOTH);
    remove('lib/more.ts');
    expect(start().lines).toEqual(BUILDS_BOTH);
    remove('dist');
    expect(start().lines).toEqual(BUILDS_BOTH);
  });

  it('starts nothing after a failed build, and builds again the next time', () => {
    const { start, write } = repository();
    start();
    write('lib/index.ts', 'broken');
    const failed = { status: 1, lines: [BUILDING, 'building library'] };
    expect(start()).toEqual(failed);
    expect(start()).toEqual(failed);
    write('lib/index.ts', 'one');
    expect(start().lines).toEqual(BUILDS_BOTH);
  });
});
