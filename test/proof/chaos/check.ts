import type { Life } from './host.ts'
import { type Call, type Interval, readJournal } from './journal.ts'

/** A call, and the process it was in. */
export interface PlacedCall extends Call {
  readonly life: Life
  /** When that process did not run, whoever had stopped it. */
  readonly pauses: readonly Interval[]
}

/** Every call that any process has noted. */
export function allCalls(lives: readonly Life[]): PlacedCall[] {
  return lives.flatMap(life => {
    const { calls, pauses } = readJournal(life.journal)
    const all = [...life.stops, ...pauses]
    return calls.map(call => ({ ...call, life, pauses: all }))
  })
}

/** What was found out about calls for the same user that overlap. */
export interface Overlaps {
  /** Sentences about what must not be. */
  readonly complaints: string[]
  /** Calls of stopped processes that others had taken over before they went on. */
  taken: number
}

/**
 * Looks for users who were worked on twice at a time. That is allowed only to a process that was
 * stopped in the middle: when it goes on, its signal aborts before it removes anything.
 */
export function findOverlaps(calls: readonly PlacedCall[]): Overlaps {
  const found: Overlaps = { complaints: [], taken: 0 }
  const byUser = Map.groupBy(calls, ({ user }) => user)
  for (const own of byUser.values()) {
    const sorted = own.toSorted((a, b) => a.begin - b.begin)
    for (const [index, earlier] of sorted.entries()) {
      for (const later of sorted.slice(index + 1)) {
        if (later.begin < endOf(earlier)) judge(earlier, later, found)
      }
    }
  }
  return found
}

/** A call without an end ended with its process. */
function endOf({ end, life }: PlacedCall): number {
  return end ?? life.diedAt ?? Infinity
}

function judge(earlier: PlacedCall, later: PlacedCall, found: Overlaps): void {
  const who = `user ${earlier.user}: ${describe(earlier)} and ${describe(later)}`
  const isOther = earlier.life !== later.life
  const wasStopped = earlier.pauses.some(pause => isWithin(pause, earlier, later))
  if (isOther && wasStopped) {
    found.taken += 1
    const late = earlier.writes.some(({ checked }) => checked > later.begin)
    if (late) found.complaints.push(`${who}: the first went on removing`)
    if (earlier.how === 'returned') {
      found.complaints.push(`${who}: the first went on without its signal aborting`)
    }
  } else found.complaints.push(`${who} at the same time`)
}

/** Whether the earlier call's process was stopped in it, and the later one began meanwhile. */
function isWithin(pause: Interval, earlier: PlacedCall, later: PlacedCall): boolean {
  return (
    pause.begin < endOf(earlier) && pause.end > earlier.begin && pause.begin < later.begin
  )
}

function describe({ life, begin, end, how }: PlacedCall): string {
  const seconds = (us: number | undefined) =>
    us === undefined ? 'never' : (us / 1e6).toFixed(3)
  return `${life.host} (${seconds(begin)} to ${seconds(end)}, ${how ?? 'open'})`
}
