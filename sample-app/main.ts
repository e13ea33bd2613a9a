import { ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { portFrom } from './port.js';
import { welcome } from './welcome.js';

// The sample asks nobody who they are, so it answers this machine only.
const HOST = '127.0.0.1';

async function main(): Promise<void> {
  const port = portFrom(process.env.PORT);
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks([ShutdownSignal.SIGINT, ShutdownSignal.SIGTERM], { useProcessExit: true });
  try {
    await app.listen(port, HOST);
  } catch (error) {
    await app.close();
    throw isPortBusy(error)
      ? new Error(`Port ${port} is taken by another process. Choose another one: PORT=3001 npm start`)
      : error;
  }
  console.log(welcome(app, await app.getUrl()));
}

const isPortBusy = (error: unknown): boolean => (error as { code?: unknown }).code === 'EADDRINUSE';

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
