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
  /** Measures now. Rejects, and leaves the clock as it was, if the database cannot be asked. */
  sync(): Promise<void>
}

/**
 * The clock that all processes on a database share: `base`, put right by what it was last
 * measured to differ from the database's by. Times that one process stores are read by another,
 * so hosts whose clocks are an hour apart would else delay each other's work by an hour.
 *
 * Exact to half a round trip. Measured by `sync`, and once a minute as long as somebody reads
 * the clock, beside the reading. While the database cannot be asked, the last measurement holds;
 * before the first, `now` is that of `base`. Timers run by `base`: they measure no time of day.
 */
export function databaseClock(
  database: Database,
  base: Clock = systemClock,
): DatabaseClock {
  let offsetMs = 0
  let triedAt: number | undefined
  const sync = async () => {
    triedAt = base.now()
    offsetMs = (await measure(database, base)) ?? offsetMs
    // Of the time after, since a host whose clock was just set starts anew from there.
    triedAt = base.now()
  }
  const isDue = (now: number) =>
    // Either way: a clock that was set back an hour would else not be measured for an hour.
    triedAt === undefined || Math.abs(now - triedAt) >= MEASURE_MS
  return {
    now() {
      const now = base.now()
      if (isDue(now)) void sync().catch(() => {})
      return now + offsetMs
    },
    setTimer: (callback, delayMs) => base.setTimer(callback, delayMs),
    sync,
  }
}

async function measure(database: Database, base: Clock): Promise<number | undefined> {
  let bestTripMs = Infinity
  let offsetMs: number | undefined
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const before = base.now()
    const { rows } = await database.query<{ now: number }>(NOW)
    const tripMs = base.now() - before
    const [row] = rows
    // Negative: the clock was set back during the query.
    if (row === undefined || tripMs < 0 || tripMs >= bestTripMs) continue
    bestTripMs = tripMs
    offsetMs = Math.round(row.now - before - tripMs / 2)
  }
  return offsetMs
}
