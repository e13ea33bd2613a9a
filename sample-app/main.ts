import { ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { portFrom } from './port.js';
import { welcome } from './welcome.js';

// The sample asks nobody who they are, so it answers this machine only.
const HOST = '127.0.0.1';

async function main(): Promise<void> {
  const port = portFrom(process.env.PORT);
  // What Nest logs of a start that fails is kept back: it is a stack, and the message below says it all.
  const app = await NestFactory.create(AppModule, {
    abortOnError: false,
    bufferLogs: true,
    autoFlushLogs: false,
  });
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  try {
    await app.listen(port, HOST);
  } catch (error) {
    await app.close();
    throw isPortBusy(error)
      ? new Error(`Port ${port} is taken by another process. Choose another one: PORT=3001 npm start`)
      : error;
  }
  app.flushLogs();
  console.log(welcome(app, await app.getUrl()));
}

const isPortBusy = (error: unknown): boolean => (error as { code?: unknown }).code === 'EADDRINUSE';

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  // A sandbox that was started before the options turned out to be wrong would keep the process alive.
  process.exit(1);
});
