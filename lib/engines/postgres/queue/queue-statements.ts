/**
 * What pg-boss has no call for, on its own table of jobs. Planned anew each time: the table is
 * empty in one minute and has a hundred thousand rows in the next, and a plan for the one, kept
 * by a session, takes forever on the other.
 */
export interface Statements {
  /** `name, ids, times` → the ids there are. The earlier time wins. */
  readonly bringForward: string
  /** `name, ids, attempts, createds` → the ids that are still ours, as of now. */
  readonly renew: string
  /** `name, ids, attempts, createds, agains`. Whoever lost an entry changes nothing. */
  readonly settle: string
  /** `name` → `waitMs` until the next entry is due that is not due yet. */
  readonly nextDue: string
  /** `channel, name`: wakes all processes. */
  readonly wake: string
}

/** How long pg-boss keeps an entry that nobody works on: for good, in its terms. */
export const RETENTION_SECONDS: number = 10 * 365 * 24 * 60 * 60

/**
 * A claim is named by the entry's id, the number of the attempt, and the time from which the
 * entry was due or made: an entry that was finished and scheduled again counts from 0 again.
 * That time reaches us in whole milliseconds.
 */
const IS_OURS = `
  j.name = $1 AND j.id = g.id AND j.state = 'active' AND j.retry_count = g.attempt
  AND abs(extract(epoch FROM j.created_on) * 1000 - g.created) < 2`

const CLAIMS = `unnest($2::uuid[], $3::int[], $4::float8[])`

/** @param schema - pg-boss's, an identifier that needs no quotes */
export function createStatements(schema: string): Statements {
  const job = `${schema}.job`
  const now = `${schema}.job_now()`
  return {
    bringForward: bringForward(job),
    renew: `UPDATE ${job} j SET heartbeat_on = ${now}
      FROM ${CLAIMS} AS g (id, attempt, created) WHERE ${IS_OURS} RETURNING j.id`,
    settle: settle(job),
    nextDue: nextDue(job, now),
    wake: 'SELECT pg_notify($1, $2)',
  }
}

/**
 * Most entries that the sweep brings are due already and left alone: nothing is written. The
 * others are locked in the order of their ids, so that two of these never wait for each other.
 * The time for an entry that is worked on is left in its data, for `settle` to find. One that
 * somebody cancelled by hand waits again: it is open, or else it would not be scheduled.
 */
function bringForward(job: string): string {
  return `
    WITH g AS (SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS g (id, at)),
    known AS (
      SELECT j.id, j.state >= 'active' OR j.start_after > g.at AS is_late
      FROM ${job} j JOIN g ON g.id = j.id WHERE j.name = $1
    ),
    held AS (
      SELECT j.id FROM ${job} j JOIN known ON known.id = j.id AND known.is_late
      WHERE j.name = $1 ORDER BY j.id FOR UPDATE OF j
    ),
    changed AS (
      UPDATE ${job} j SET
        state = CASE WHEN j.state > 'active' THEN 'created' ELSE j.state END,
        start_after = CASE
          WHEN j.state < 'active' THEN least(j.start_after, g.at)
          WHEN j.state = 'active' THEN j.start_after
          ELSE g.at END,
        data = CASE WHEN j.state = 'active'
          THEN jsonb_build_object('again', least(g.at, (j.data->>'again')::timestamptz))
          ELSE j.data END,
        completed_on = NULL,
        output = NULL
      FROM held, g
      WHERE j.name = $1 AND j.id = held.id AND g.id = held.id
      RETURNING j.id
    )
    SELECT id FROM known WHERE NOT is_late UNION ALL SELECT id FROM changed`
}

/**
 * Finished entries are deleted at once. The others wait for their time, which also orders them:
 * one that is always due again at once does not keep the others from their turn. `started_on`
 * stays, so that pg-boss counts the next claim as another attempt.
 */
function settle(job: string): string {
  return `
    WITH held AS (
      SELECT j.id, least(g.again, (j.data->>'again')::timestamptz) AS again
      FROM unnest($2::uuid[], $3::int[], $4::float8[], $5::timestamptz[])
        AS g (id, attempt, created, again)
      JOIN ${job} j ON ${IS_OURS}
      ORDER BY j.id FOR UPDATE OF j
    ),
    finished AS (
      DELETE FROM ${job} j USING held
      WHERE j.name = $1 AND j.id = held.id AND held.again IS NULL
    )
    UPDATE ${job} j SET
      state = 'created',
      start_after = held.again,
      created_on = held.again,
      keep_until = held.again + ${RETENTION_SECONDS} * interval '1 second',
      heartbeat_on = NULL,
      data = NULL,
      output = NULL
    FROM held
    WHERE j.name = $1 AND j.id = held.id AND held.again IS NOT NULL`
}

/** A state each, so that pg-boss's index of live jobs leads straight to the first. */
function nextDue(job: string, now: string): string {
  const first = (state: string) => `(
    SELECT start_after FROM ${job}
    WHERE name = $1 AND state = '${state}' AND NOT blocked AND start_after > ${now}
    ORDER BY start_after LIMIT 1)`
  return `
    SELECT (extract(epoch FROM least(${first('created')}, ${first('retry')}) - ${now})
      * 1000)::float8 AS "waitMs"`
}
