import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterThisTest } from '../../support/cleanup.js';

/** Stands in for `nest build`, and fails where a source says so. */
const BUILD = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const [, , source, product] = process.argv;
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
        'build:esm': 'node build.mjs lib/index.ts dist/esm/index.js',
        'build:sample': 'node build.mjs sample-app/main.ts dist/sample-app/demo/main.js',
      },
    }),
  );
  const start = (
    port = '0',
  ): { readonly status: number | null; readonly lines: readonly string[]; readonly errors: string } => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['sample-app/demo/start.mjs'], {
      cwd: root,
      env: { PATH: process.env.PATH, PORT: port },
      encoding: 'utf8',
    });
    return { status, lines: stdout.trimEnd().split('\n'), errors: stderr };
  };
  const remove = (path: string): void => {
    rmSync(join(root, path), { recursive: true });
  };
  return { start, write, remove };
}

const BUILDING = expect.stringMatching(/^Building first, which takes about half a minute\./) as string;
const step = (what: string): string =>
  expect.stringMatching(new RegExp(`^  ${what} … \\d+\\.\\d s$`)) as string;
const BUILDS_BOTH = [
  BUILDING,
  step('1 of 2: the library'),
  step('2 of 2: the sample application'),
  'started',
];

describe('npm start', () => {
  it('builds first and says how long that took, and only starts the next time', () => {
    const { start } = repository();
    expect(start()).toMatchObject({ status: 0, lines: BUILDS_BOTH });
    expect(start()).toMatchObject({ status: 0, lines: ['started'] });
  });

  it('builds again what a change concerns', () => {
    const { start, write, remove } = repository();
    start();
    write('sample-app/main.ts', 'another');
    expect(start().lines).toEqual([BUILDING, step('1 of 1: the sample application'), 'started']);
    write('lib/more.ts', 'more');
    expect(start().lines).toEqual(BUILDS_BOTH);
    remove('lib/more.ts');
    expect(start().lines).toEqual(BUILDS_BOTH);
    remove('dist');
    expect(start().lines).toEqual(BUILDS_BOTH);
  });

  it('tells of a port that is taken before it builds anything', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    afterThisTest(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const { status, lines, errors } = repository().start(String(port));
    expect({ status, lines }).toEqual({ status: 1, lines: [''] });
    expect(errors).toBe(
      `Port ${port} is taken by another process. Choose another one: PORT=3001 npm start\n`,
    );
  });

  it('starts nothing after a failed build, and builds again the next time', () => {
    const { start, write } = repository();
    start();
    write('lib/index.ts', 'broken');
    const failed = { status: 1, lines: [BUILDING, '  1 of 2: the library …'] };
    expect(start()).toMatchObject(failed);
    expect(start()).toMatchObject(failed);
    write('lib/index.ts', 'one');
    expect(start().lines).toEqual(BUILDS_BOTH);
  });
});
