import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { serveApiDocs } from './api-docs.js';
import { AppModule } from './app.module.js';

// `npm start` runs demo/main.ts instead, which needs no account with Asset.
const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
serveApiDocs(app);
// The sample does not sign in its callers, so it listens on this machine only.
await app.listen(process.env.PORT ?? 3000, '127.0.0.1');
Logger.log(`Listening on ${await app.getUrl()}`, 'Sample');
