import { spawn } from 'node:child_process';

/** Runs a command to its end; rejects with all of its output if it fails or takes longer than `timeoutMs`. */
export function exec(command, args, { timeoutMs = 180_000, ...options }) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that a command that hangs is ended with everything that it started.
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    const fail = (reason) => {
      reject(new Error(`${command} ${args.join(' ')}: ${reason}\n${output.trimEnd()}`));
    };
    const timer = setTimeout(() => {
      fail(`still running after ${timeoutMs / 1000} s`);
      process.kill(-child.pid, 'SIGKILL');
    }, timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      fail(error.message);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve(output);
      else fail(`exit code ${code}`);
    });
  });
}
