import 'reflect-metadata';
import { health } from './health.js';
import { openapi } from './openapi.js';
import { telemetry } from './telemetry.js';

/** The sub-paths that work with a package which the application brings; its major version is the argument. */
async function main(): Promise<void> {
  const major = Number(process.argv[2]);
  await health(major);
  await openapi();
  await telemetry();
}

void main();
