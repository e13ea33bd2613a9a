import { ShutdownSignal } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AssetAuthConfig } from 'nestjs-asset-auth';
import { serveApiDocs } from '../api-docs.js';
import { demoModule } from './demo.module.js';
import { portFrom } from './port.js';
import { sandboxUnlessConfigured } from './sandbox.js';
import { welcome } from './welcome.js';

// The sample does not sign in its callers, so it listens on this machine only.
const HOST = '127.0.0.1';

async function main(): Promise<void> {
  const port = portFrom('PORT', process.env.PORT, 3000);
  const sandbox = await sandboxUnlessConfigured(process.env);
  // What Nest logs of a start that fails is kept back: it is a stack, and the message below is enough.
  const app = await NestFactory.create(demoModule(sandbox), {
    abortOnError: false,
    bufferLogs: true,
    autoFlushLogs: false,
    // A page that is open would use its connections for as long as it is open.
    forceCloseConnections: sandbox?.own !== undefined,
  });
  serveApiDocs(app);
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
  console.log(welcome(await app.getUrl(), app.get(AssetAuthConfig), sandbox));
}

const isPortBusy = (error: unknown): boolean => (error as { code?: unknown }).code === 'EADDRINUSE';

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  // The sandbox would keep the process alive.
  process.exit(1);
});
