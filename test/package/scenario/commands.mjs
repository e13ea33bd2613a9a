// The commands as they are installed: the check, against the stand-in that another of them runs.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const run = (command, args, variables = {}) => {
  const env = { ...process.env, ...variables };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000, env });
  return { status, stdout, stderr };
};

const { version } = JSON.parse(readFileSync('node_modules/nestjs-asset-auth/package.json', 'utf8'));
const printed = { status: 0, stdout: `${version}\n`, stderr: '' };
assert.deepEqual(run('npx', ['--no-install', 'nestjs-asset-auth', '--version']), printed);
assert.deepEqual(run('asset-scopes', ['--version']), printed);

const sandbox = spawn('nestjs-asset-auth', ['sandbox', '--port', '0', '--fail', 'token=503x1']);
const timer = setTimeout(() => sandbox.kill('SIGKILL'), 60_000);
try {
  let exports = '';
  sandbox.stdout.setEncoding('utf8').on('data', (text) => (exports += text));
  const [welcome] = await once(sandbox.stderr.setEncoding('utf8'), 'data');
  const [businessId] = /biz_\w+/.exec(welcome);
  const variables = Object.fromEntries(
    [...exports.matchAll(/^export (ASSET_\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );
  const check = (...args) => run('nestjs-asset-auth', ['check', '--json', ...args], variables);

  const granted = check('--scopes', 'ledger:read', '--business', businessId);
  assert.equal(granted.status, 0, granted.stdout + granted.stderr);
  const { outcome, token } = JSON.parse(granted.stdout);
  assert.equal(outcome, 'as-asked');
  assert.deepEqual([token.kind, token.scopes, token.businessId], ['jwt', ['ledger:read'], businessId]);

  assert.equal(check('--scopes', 'nobody:knows').status, 1);
  assert.equal(check('--scopes', 'no scope"').status, 2);
} finally {
  sandbox.kill('SIGTERM');
}
const [code] = await once(sandbox, 'close');
clearTimeout(timer);
assert.equal(code, 0);
