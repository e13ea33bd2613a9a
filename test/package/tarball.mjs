import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { exec } from './exec.mjs';

const AT_THE_TOP = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];

/** What must be true of the packed tarball itself. */
export const checks = {
  publint: ({ root, tarball }) =>
    exec('npx', ['--no-install', 'publint', 'run', '--strict', tarball], { cwd: root }),

  attw: ({ root, tarball }) => exec('npx', ['--no-install', 'attw', tarball], { cwd: root }),

  /** Holds both builds of each source file, with types and maps, and nothing besides. Of the commands, the one that runs. */
  contents: async ({ root, tarball, workspace }) => {
    const packed = await packedFiles(tarball, workspace);
    const sources = (await readdir(join(root, 'lib'), { recursive: true })).filter((path) =>
      /\.[cm]?ts$/.test(path),
    );
    const built = ['dist/cjs', 'dist/esm'].flatMap((build) =>
      sources.flatMap((source) => outputs(`${build}/${source}`)),
    );
    const expected = [
      ...AT_THE_TOP,
      ...(await guides(root)),
      ...built.filter((path) => !path.startsWith('dist/cjs/commands/')),
      'dist/cjs/package.json',
    ];
    assert.deepEqual(packed.sort(), expected.sort());
  },

  /** What the README and the guides link to is packed as well. */
  links: async ({ root, tarball, workspace }) => {
    const packed = await packedFiles(tarball, workspace);
    for (const path of ['README.md', ...(await guides(root))]) {
      const text = (await readFile(join(root, path), 'utf8')).replace(/^```.*?^```$/gms, '');
      const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, target]) => target);
      const missing = targets.filter((target) => !packed.includes(normalize(join(dirname(path), target))));
      assert.deepEqual(missing, [], `links of ${path}`);
    }
  },

  /** A debugger finds the sources inside the maps: the tarball holds no source files. */
  'source-maps': async ({ root }) => {
    for (const build of ['cjs', 'esm']) {
      const map = JSON.parse(await readFile(join(root, 'dist', build, 'index.js.map'), 'utf8'));
      assert.match(map.sourcesContent[0], /The public API/);
    }
  },
};

async function packedFiles(tarball, cwd) {
  const listing = await exec('tar', ['-tzf', tarball], { cwd });
  return listing
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
}

/** For users: all but the map of the house. */
async function guides(root) {
  const ofRooms = (await readdir(join(root, 'lib'), { recursive: true })).filter(
    (path) => path.endsWith('.md') && path !== 'README.md',
  );
  const others = ['.github/SECURITY.md', 'sample-app/README.md', 'test/bench/README.md'];
  return [...others, ...ofRooms.map((path) => join('lib', path))];
}

/** The files that one source file is compiled to. */
function outputs(source) {
  const [, path, extension] = /^(.*)\.([cm]?)ts$/.exec(source);
  return [`${path}.${extension}js`, `${path}.${extension}js.map`, `${path}.d.${extension}ts`];
}
