import type { Statement } from '../connection/session.ts'
import { limitLockWait, NOW, OVERWRITE } from './store-statements.ts'

/**
 * Sets, deletes and conditions of many writes. Rows carry the number of their write; those of
 * number 0 have no condition. Answers with the numbers of the writes whose condition held, and
 * with the keys that were deleted.
 *
 * $1 keys to set, $2 values, $3 times to live or null, $4 numbers; $5 keys to delete, $6
 * numbers; $7 keys of conditions, $8 values or null for "must not exist", $9 numbers; $10 how long
 * to wait for a lock. A key may be among those to set or to delete only once.
 */
export function changeStatement(schema: string): Statement {
  const table = `${schema}.document`
  return {
    name: `erasure_change_${schema}`,
    text: `${INPUT}, ${judge(table)}, ${apply(table)}
      SELECT write, NULL AS key FROM allowed UNION ALL SELECT NULL, key FROM removed`,
  }
}

/** Keys are put in the order of their bytes, as in the table, whatever the database's language. */
const INPUT = `
  WITH addition AS MATERIALIZED (
    SELECT key COLLATE "C" AS key, value, ttl, write
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::int[])
      AS addition (key, value, ttl, write)
  ),
  removal AS MATERIALIZED (
    SELECT key, write FROM unnest($5::text[], $6::int[]) AS removal (key, write)
  ),
  condition AS MATERIALIZED (
    SELECT key, value, write FROM unnest($7::text[], $8::text[], $9::int[])
      AS condition (key, value, write)
  )`

/**
 * `locked` waits for a process that is just changing one of the documents, and then shows the changed
 * document, which the snapshot of the statement does not. What it shows stays true until the commit.
 * It comes first, and in the order of keys, so that no two processes wait for each other. A document
 * that does not exist cannot be locked: only the insert into the index, in `created`, can tell whether
 * it still does not exist. Two processes that add and delete the same documents can deadlock.
 * PostgreSQL resolves that after a second, and `createWrites` tries again.
 */
function judge(table: string): string {
  return `
    locked AS MATERIALIZED (
      SELECT key, value, expires FROM ${table}
      WHERE ${limitLockWait('$10')}
        AND key = ANY ($1::text[] || $5::text[] || $7::text[])
      ORDER BY key FOR UPDATE
    ),
    created AS (
      INSERT INTO ${table} AS present (key, value, expires)
      SELECT key, addition.value, ${NOW} + ttl
      FROM addition JOIN condition USING (key)
      WHERE condition.value IS NULL AND (SELECT count(*) FROM locked) >= 0
      ORDER BY key
      ON CONFLICT (key) DO ${OVERWRITE} WHERE present.expires <= ${NOW}
      RETURNING key
    ),
    allowed AS MATERIALIZED (
      SELECT 0 AS write
      UNION ALL
      SELECT write FROM condition JOIN locked USING (key, value)
      WHERE expires IS NULL OR expires > ${NOW}
      UNION ALL
      SELECT write FROM condition JOIN created USING (key) WHERE value IS NULL
    )`
}

function apply(table: string): string {
  return `
    stored AS (
      INSERT INTO ${table} (key, value, expires)
      SELECT key, value, ${NOW} + ttl FROM addition
      WHERE write IN (SELECT write FROM allowed)
        AND key NOT IN (SELECT key FROM condition WHERE value IS NULL)
      ORDER BY key
      ON CONFLICT (key) DO ${OVERWRITE}
    ),
    removed AS (
      DELETE FROM ${table} AS present USING removal
      WHERE present.key = removal.key AND removal.write IN (SELECT write FROM allowed)
      RETURNING present.key
    )`
}
