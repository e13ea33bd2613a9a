// The recipe for Postgres, on a real one that runs within this process.
import { PGlite } from '@electric-sql/pglite';
import { readFile } from 'node:fs/promises';
import { postgresTokenStore } from '../dist/postgres-store.js';
import { contract } from './contract.mjs';

contract('postgres', async () => {
  const postgres = await PGlite.create();
  const recipe = await readFile(new URL('postgres-store.ts', import.meta.url), 'utf8');
  const [table] = /CREATE UNLOGGED TABLE[^;]*;/.exec(recipe);
  await postgres.exec(table.replaceAll(/^ \*/gm, ''));
  return [postgresTokenStore(postgres), () => postgres.close()];
});
