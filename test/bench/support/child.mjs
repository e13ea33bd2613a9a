import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * A module of this folder in a process of its own, to be asked things over IPC. It says one thing unasked, with the id 0,
 * once it is ready.
 */
export async function startChild(name, { args = [], execArgv = [] } = {}) {
  const child = fork(fileURLToPath(new URL(`${name}.mjs`, import.meta.url)), args, {
    execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const waiting = new Map();
  const answered = (id) => new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  let lastId = 0;
  child.on('message', ({ id, answer, error }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(answer);
    else reject?.(new Error(error));
  });
  child.on('exit', (code) => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended with ${code}`));
  });

  const greeting = await answered(0);
  return {
    greeting,
    ask(command, value) {
      lastId += 1;
      child.send({ id: lastId, command, value });
      return answered(lastId);
    },
    async stop() {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.disconnect();
      await exited;
    },
  };
}

/** The other side of {@link startChild}: answers each command by the function of that name. */
export function answerParent(commands, greeting) {
  process.on('message', async ({ id, command, value }) => {
    try {
      process.send({ id, answer: await commands[command](value) });
    } catch (error) {
      process.send({ id, error: String(error?.stack ?? error) });
    }
  });
  process.on('disconnect', () => process.exit());
  process.send({ id: 0, answer: greeting });
}
