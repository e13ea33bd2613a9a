import type { AssetTokenStore, StoredValue } from 'nestjs-asset-auth';

/** A pool of `pg`, and whatever else has its `query`. */
interface Queryable {
  query<Row>(text: string, values: unknown[]): Promise<{ rows: Row[] }>;
}

export const TABLE = `CREATE UNLOGGED TABLE asset_tokens (
  key text COLLATE "C" PRIMARY KEY, value text NOT NULL, ends timestamptz NOT NULL)`;

const ENDS = `statement_timestamp() + $3::float8 * interval '1 millisecond'`;
const GET = `SELECT value, (extract(epoch FROM ends - statement_timestamp()) * 1000)::float8 AS "remainingMs"
  FROM asset_tokens WHERE key = $1 AND ends > statement_timestamp()`;
const SET = `INSERT INTO asset_tokens AS old VALUES ($1, $2, ${ENDS})
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends`;
const ADD = `${SET} WHERE old.ends <= statement_timestamp() RETURNING key`;

/** The recipe of the store's README. */
export const postgresTokenStore = (pool: Queryable): AssetTokenStore => ({
  get: async (key) => (await pool.query<StoredValue>(GET, [key])).rows[0],
  set: async (key, value, ttlMs) => void (await pool.query(SET, [key, value, ttlMs])),
  add: async (key, value, ttlMs) => (await pool.query(ADD, [key, value, ttlMs])).rows.length === 1,
  delete: async (key) => void (await pool.query('DELETE FROM asset_tokens WHERE key = $1', [key])),
});
