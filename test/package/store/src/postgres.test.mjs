// The recipe for Postgres, on a real one that runs within this process.
import { PGlite } from '@electric-sql/pglite';
import { postgresTokenStore, TABLE } from '../dist/postgres-store.js';
import { contract } from './contract.mjs';

contract('postgres', async () => {
  const postgres = await PGlite.create();
  await postgres.exec(TABLE);
  return [postgresTokenStore(postgres), () => postgres.close()];
});
