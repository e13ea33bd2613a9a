import type { AssetTokenStore } from 'nestjs-asset-auth';

/** A pool of `pg`, and whatever else has its `query`. */
interface Queryable {
  query(text: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/**
 * CREATE UNLOGGED TABLE asset_tokens (
 *   key text COLLATE "C" PRIMARY KEY,
 *   value text NOT NULL,
 *   ends timestamptz NOT NULL
 * );
 */
export function postgresTokenStore(pool: Queryable): AssetTokenStore {
  const ends = `statement_timestamp() + $3::float8 * interval '1 millisecond'`;
  const left = `extract(epoch FROM ends - statement_timestamp()) * 1000`;
  return {
    async get(key) {
      const { rows } = await pool.query(
        `SELECT value, (${left})::float8 AS left FROM asset_tokens WHERE key = $1 AND ends > statement_timestamp()`,
        [key],
      );
      return rows[0] && { value: String(rows[0].value), remainingMs: Number(rows[0].left) };
    },
    async set(key, value, ttlMs) {
      await pool.query(
        `INSERT INTO asset_tokens VALUES ($1, $2, ${ends})
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends`,
        [key, value, ttlMs],
      );
    },
    async add(key, value, ttlMs) {
      const { rows } = await pool.query(
        `INSERT INTO asset_tokens AS old VALUES ($1, $2, ${ends})
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, ends = excluded.ends
         WHERE old.ends <= statement_timestamp() RETURNING key`,
        [key, value, ttlMs],
      );
      return rows.length > 0;
    },
    async delete(key) {
      await pool.query('DELETE FROM asset_tokens WHERE key = $1', [key]);
    },
  };
}
