import { performance } from 'node:perf_hooks'

import { type Clock, systemClock } from '../../../host/clock.ts'
import type { Database } from './database.ts'

/** How old a measurement may be before the clock is read without asking for another. */
const MEASURE_MS = 60_000
/** Measurements at a time; the one with the shortest round trip is the closest. */
const SAMPLES = 3

const NOW = {
  name: 'erasure_now',
  text: 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS now',
}

/** A clock that goes by the database's time. */
export interface DatabaseClock extends Clock {
  /** The clock of this host. */
  readonly host: Clock
  /** Measures now. Rejects, and leaves the clock as it was, if the database cannot be asked. */
  sync(): Promise<void>
}

/** What the database's time was, and what this host's steady clock said then. */
interface Measurement {
  readonly time: number
  readonly steady: number
}

/**
 * The clock that all processes on a database share: the database's time when it was last measured,
 * plus what has passed since by the host's steady clock. One process reads the times that another
 * stores. With their own clocks, hosts whose clocks are an hour apart would delay each other's work by
 * an hour, and on a host whose clock is changed, a user might no longer count as erased.
 *
 * Exact to half a round trip. It is measured by `sync`, and in the background of a reading if the
 * host's clock shows that a minute has passed, or was changed. While the database cannot be reached,
 * the last measurement holds; before the first, `now` is the host's time. Timers use `host`, because
 * they do not depend on the time of day.
 */
export function databaseClock(
  database: Database,
  host: Clock = systemClock,
): DatabaseClock {
  const steady = host === systemClock ? () => performance.now() : () => host.now()
  let last: Measurement | undefined
  let triedAt: number | undefined
  const sync = async () => {
    triedAt = host.now()
    last = (await measure(database, steady)) ?? last
    // Use the time after the query: a host whose clock was just changed starts again from there.
    triedAt = host.now()
  }
  const isDue = (now: number) =>
    // In both directions: a clock set back an hour would otherwise not be measured for an hour.
    triedAt === undefined || Math.abs(now - triedAt) >= MEASURE_MS
  return {
    host,
    now() {
      const now = host.now()
      if (isDue(now)) void sync().catch(() => {})
      return last === undefined ? now : Math.floor(last.time + steady() - last.steady)
    },
    setTimer: (callback, delayMs) => host.setTimer(callback, delayMs),
    sync,
  }
}

async function measure(
  database: Database,
  steady: () => number,
): Promise<Measurement | undefined> {
  let bestTripMs = Infinity
  let best: Measurement | undefined
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const before = steady()
    const { rows } = await database.query<{ now: number }>(NOW)
    const after = steady()
    const tripMs = after - before
    const [row] = rows
    // Negative: the clock was set back during the query.
    if (row === undefined || tripMs < 0 || tripMs >= bestTripMs) continue
    bestTripMs = tripMs
    best = { time: row.now + tripMs / 2, steady: after }
  }
  return best
}
