/** The recipe for Postgres: one table, four statements. `pool` has `query(text, values)`, as that of `pg`. */
