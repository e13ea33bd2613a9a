// The command as it is installed, on the built application, under both of its names.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'asset-scopes-'));
const list = join(folder, 'asset-scopes.json');
const runAs = (command, ...args) => spawnSync(command, [...args], { encoding: 'utf8', timeout: 30_000 });
const run = (...args) => runAs('nestjs-asset-auth', 'scopes', 'dist/app.module.js', ...args);

const written = run('--write', list);
assert.equal(written.status, 0, written.stderr);
assert.equal(readFileSync(list, 'utf8'), written.stdout);
assert.deepEqual(JSON.parse(written.stdout), {
  scopes: ['ledger:create', 'ledger:read'],
  clients: {},
  fullGrant: [],
  undeclared: [],
  handlers: [
    {
      className: 'LedgersController',
      handlerName: 'list',
      kind: 'http',
      scopes: ['ledger:read'],
      business: true,
    },
    {
      className: 'LedgersController',
      handlerName: 'create',
      kind: 'http',
      scopes: ['ledger:create'],
      business: true,
    },
  ],
});
assert.equal(run('--check', list).status, 0);
assert.equal(runAs('asset-scopes', 'dist/app.module.js', '--check', list).stdout, written.stdout);

writeFileSync(list, JSON.stringify({ scopes: ['ledger:read'] }));
const grown = run('--check', list);
assert.equal(grown.status, 1);
assert.match(grown.stderr, /ledger:create \(LedgersController\.create\)/);
assert.equal(runAs('asset-scopes', 'dist/app.module.js', '--check', list).status, 1);
rmSync(folder, { recursive: true });
