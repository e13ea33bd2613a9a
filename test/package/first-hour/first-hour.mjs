// README's first hour, to the letter, in an application that the official CLI makes: its install lines, its first example, its
// test, and its sandbox in place of an account. Only what would meet others on a machine differs: ports, and the package itself.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { resolve } from 'node:path';

const major = process.argv[2];
const tarball = resolve('../nestjs-asset-auth.tgz');
const readme = readFileSync('src/README.md', 'utf8');
const LONGEST_MS = 60_000;

const run = (command, args, options) =>
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options });

const create = ['nest', 'new', 'app', '--skip-git', '--skip-install', '--package-manager', 'npm'];
if (major === '12') create.push('--no-observe');
run('npm', ['exec', '--yes', '--package', `@nestjs/cli@${major}`, '--', ...create]);
process.chdir('app');

// "npm install nestjs-asset-auth … # Nest 11", and what the text adds for .env.
const [, line] = new RegExp(`^npm install (.*) # Nest ${major}$`, 'm').exec(readme);
const config = major === '11' ? /`(@nestjs\/config@4)`/.exec(readme)[1] : '@nestjs/config';
assert.match(readme, /`npm install @nestjs\/config`/);
run('npm', ['install', '--no-audit', '--no-fund']);
run('npm', [
  'install',
  '--no-audit',
  '--no-fund',
  ...line.split(' ').map((name) => (name === 'nestjs-asset-auth' ? tarball : name)),
  config,
]);

const snippets = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
const example = snippets.find((code) => code.includes('export class AppModule'));
const test = snippets.find((code) => code.includes('AssetSandbox.start()'));
writeFileSync('src/app.module.ts', example);
// The CLI's own controller is gone from the module, and its test with it.
for (const file of ['app.controller.ts', 'app.controller.spec.ts', 'app.service.ts']) rmSync(`src/${file}`);
writeFileSync(
  'src/app.module.spec.ts',
  `import { Test } from '@nestjs/testing';
import { getAssetAuthOptionsToken } from 'nestjs-asset-auth';
import { AssetSandbox } from 'nestjs-asset-auth/testing';
import { AppModule } from './app.module${major === '12' ? '.js' : ''}';

it('runs as README says', async () => {
${test}});
`,
);
run('npm', ['test']);
run('npm', ['run', 'build']);

const freePort = async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  return port;
};

/** Runs until the script ends; resolves once the text was printed. */
async function started(args, text, options) {
  const child = spawn(args[0], args.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  process.once('exit', () => child.kill('SIGKILL'));
  let printed = '';
  const found = new Promise((settle, reject) => {
    setTimeout(() => reject(new Error(`Not printed: ${text}\n${printed}`)), LONGEST_MS).unref();
    child.once('exit', (code) => reject(new Error(`Ended with ${code}:\n${printed}`)));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        printed += chunk;
        if (printed.includes(text)) settle();
      });
  });
  await found;
  return () => printed;
}

const bin = 'node_modules/.bin/nestjs-asset-auth';
const variables = await started([bin, 'sandbox', '--port', String(await freePort())], 'ASSET_CLIENT_SECRET=');
appendFileSync(
  '.env',
  `${variables()
    .match(/^export .*$/gm)
    .join('\n')}\n`,
);
const port = await freePort();
await started(['node', major === '12' ? 'dist/main.js' : 'dist/main'], 'successfully started', {
  env: { ...process.env, PORT: String(port) },
});
const [, path] = /^curl http:\/\/localhost:3000(\S+)/m.exec(readme);
const answer = await fetch(`http://127.0.0.1:${port}${path}`);
assert.equal(answer.status, 200, await answer.clone().text());
assert.ok((await answer.json()).length > 0);
process.exit(0);
