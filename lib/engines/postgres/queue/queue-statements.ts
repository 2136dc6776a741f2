/**
 * The statements on pg-boss's table of jobs that pg-boss has no call for. Planned again each time: the
 * table is empty in one minute and has a hundred thousand rows in the next, and a cached plan for the
 * one takes forever on the other.
 */
export interface Statements {
  /** `name, ids, times` → the ids that exist and are not locked. The earlier time wins. */
  readonly bringForward: string
  /** `name, ids, attempts, createds` → the ids that are still ours, and whether `renewed`. */
  readonly renew: string
  /**
   * `name, ids, attempts, createds, agains` → the ids that are ours but are locked.
   * A process that has lost an entry changes nothing.
   */
  readonly settle: string
  /** `name` → `waitMs` until the next entry that is not due yet becomes due. */
  readonly untilDue: string
  /** `name`: brings times back that the database's clock wrote while it was ahead. */
  readonly repairTimes: string
  /** `channel, name`: wakes all processes. */
  readonly wake: string
}

/** How long pg-boss keeps an entry that no process works on: effectively for ever. */
export const RETENTION_SECONDS: number = 10 * 365 * 24 * 60 * 60

/**
 * A claim is identified by the entry's id, the number of the attempt, and the time at which the entry
 * was due or created: an entry that was finished and scheduled again counts from 0 again. We receive
 * that time in whole milliseconds, or as null if JavaScript cannot represent it.
 */
const IS_OURS = `
  j.name = $1 AND j.id = g.id AND j.state = 'active' AND j.retry_count = g.attempt
  AND (g.created IS NULL OR abs(extract(epoch FROM j.created_on) * 1000 - g.created) < 2)`

/** How far ahead a time of pg-boss's may be before the clock must have been wrong. */
const AHEAD = "interval '1 minute'"

const CLAIMS = `unnest($2::uuid[], $3::int[], $4::float8[])`

/** @param schema - pg-boss's, an identifier that needs no quotes */
export function createStatements(schema: string): Statements {
  const job = `${schema}.job`
  const now = `${schema}.job_now()`
  return {
    bringForward: bringForward(job),
    renew: renew(job, now),
    settle: settle(job),
    untilDue: untilDue(job, now),
    repairTimes: repairTimes(schema, now),
    wake: 'SELECT pg_notify($1, $2)',
  }
}

/**
 * Skips an entry that is locked: it must not hold up the others. The process that cannot renew it has
 * not lost it yet, either.
 */
function renew(job: string, now: string): string {
  return `
    WITH ours AS (
      SELECT j.id FROM ${job} j JOIN ${CLAIMS} AS g (id, attempt, created) ON ${IS_OURS}
    ),
    held AS (
      SELECT j.id FROM ${job} j JOIN ${CLAIMS} AS g (id, attempt, created) ON ${IS_OURS}
      ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
    ),
    renewed AS (
      UPDATE ${job} j SET heartbeat_on = ${now} FROM held
      WHERE j.name = $1 AND j.id = held.id RETURNING j.id
    )
    SELECT id, id IN (SELECT id FROM renewed) AS renewed FROM ours`
}

/**
 * Most entries that the sweep brings are due already, and nothing is written for them. The others are
 * locked in the order of their ids, so that two of these statements never wait for each other. One
 * that is already locked is skipped, and tried again later.
 * For an entry that is being worked on, the time is left in its data, where `settle` finds it. An entry
 * that an operator cancelled by hand waits again: it is open, or it would not be scheduled.
 */
function bringForward(job: string): string {
  return `
    WITH g AS (SELECT * FROM unnest($2::uuid[], $3::timestamptz[]) AS g (id, at)),
    known AS (
      SELECT j.id, j.state >= 'active' OR j.start_after > g.at OR NOT isfinite(j.created_on)
        AS is_late
      FROM ${job} j JOIN g ON g.id = j.id WHERE j.name = $1
    ),
    held AS (
      SELECT j.id FROM ${job} j JOIN known ON known.id = j.id AND known.is_late
      WHERE j.name = $1 ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
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
        created_on = CASE WHEN isfinite(j.created_on) OR j.state = 'active'
          THEN j.created_on ELSE g.at END,
        completed_on = NULL,
        output = NULL
      FROM held, g
      WHERE j.name = $1 AND j.id = held.id AND g.id = held.id
      RETURNING j.id
    )
    SELECT id FROM known WHERE NOT is_late UNION ALL SELECT id FROM changed`
}

/**
 * Deletes finished entries at once. The others wait for their time, which also orders them: an entry
 * that is always due again at once does not keep the others from their turn. `started_on` stays, so
 * that pg-boss counts the next claim as another attempt.
 */
function settle(job: string): string {
  const claims = `unnest($2::uuid[], $3::int[], $4::float8[], $5::timestamptz[])
        AS g (id, attempt, created, again)`
  return `
    WITH ours AS (SELECT j.id FROM ${claims} JOIN ${job} j ON ${IS_OURS}),
    held AS (
      SELECT j.id, least(g.again, (j.data->>'again')::timestamptz) AS again
      FROM ${claims} JOIN ${job} j ON ${IS_OURS}
      ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
    ),
    finished AS (
      DELETE FROM ${job} j USING held
      WHERE j.name = $1 AND j.id = held.id AND held.again IS NULL
    ),
    waiting AS (
      UPDATE ${job} j SET
        state = 'created',
        start_after = held.again,
        created_on = held.again,
        keep_until = held.again + ${RETENTION_SECONDS} * interval '1 second',
        heartbeat_on = NULL,
        data = NULL,
        output = NULL
      FROM held
      WHERE j.name = $1 AND j.id = held.id AND held.again IS NOT NULL
    )
    SELECT id FROM ours WHERE id NOT IN (SELECT id FROM held)`
}

/** One subquery per state, so that pg-boss's index of live jobs finds the first at once. */
function untilDue(job: string, now: string): string {
  const first = (state: string) => `(
    SELECT start_after FROM ${job}
    WHERE name = $1 AND state = '${state}' AND NOT blocked AND start_after > ${now}
      AND isfinite(start_after)
    ORDER BY start_after LIMIT 1)`
  return `
    SELECT (extract(epoch FROM least(${first('created')}, ${first('retry')}) - ${now})
      * 1000)::float8 AS "waitMs"`
}

/**
 * pg-boss repeats its maintenance only when an interval has passed since the last time. If a clock was
 * years ahead then, it would not repeat it for years, and no process would take over a dead one's work.
 */
function repairTimes(schema: string, now: string): string {
  return `
    WITH passes AS (
      UPDATE ${schema}.queue SET monitor_claim_on = NULL, monitor_on = NULL, maintain_on = NULL
      WHERE name = $1
        AND greatest(monitor_claim_on, monitor_on, maintain_on) > ${now} + ${AHEAD}
    )
    UPDATE ${schema}.job SET heartbeat_on = ${now}
    WHERE name = $1 AND state = 'active' AND heartbeat_on > ${now} + ${AHEAD}`
}
