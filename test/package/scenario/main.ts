import 'reflect-metadata';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { scenario } from './scenario.js';

async function main(): Promise<void> {
  await scenario(new ExpressAdapter());
  await scenario(new FastifyAdapter());
  // Ends by itself: nothing here calls process.exit, and the test that started it gives up after a while.
}

void main();
