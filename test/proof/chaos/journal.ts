import { existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** From when to when, on the clock of {@link monotonic}. */
export interface Interval {
  readonly begin: number
  readonly end: number
}

/** Microseconds on a clock that all processes of the machine share and nobody sets. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** How a call ended: `failed` is for a reason of its own, such as a connection that was cut. */
type Ending = 'returned' | 'aborted' | 'failed'

/** What a process has noted about a call of one of its handlers. */
type Line =
  | { readonly call: number; readonly user: number; readonly begin: number }
  /** It has removed something; `checked`: when it last saw that its signal had not aborted. */
  | { readonly call: number; readonly checked: number; readonly wrote: number }
  | { readonly call: number; readonly end: number; readonly how: Ending }
  /** It did not run for so long. */
  | { readonly pause: Interval }

/** Adds lines to a file: nothing is lost when the process is killed. */
export function openJournal(path: string): (line: Line) => void {
  const file = openSync(path, 'a')
  return line => void writeSync(file, `${JSON.stringify(line)}\n`)
}

/** Longer than a turn of the event loop takes; shorter than what a lease has in reserve. */
export const PAUSE_US = 500_000
const LOOK_MS = 100

/** Notes when the process did not run for a while, because it was stopped or the machine busy. */
export function notePauses(path: string): void {
  const note = openJournal(path)
  let begin = monotonic()
  setInterval(() => {
    const end = monotonic()
    if (end - begin > PAUSE_US) note({ pause: { begin, end } })
    begin = end
  }, LOOK_MS).unref()
}

/** A call of a handler, as its process has seen it. */
export interface Call {
  readonly user: number
  readonly begin: number
  /** Missing if the process is still in it, or was killed in it. */
  end?: number
  how?: Ending
  readonly writes: Array<{ readonly checked: number; readonly wrote: number }>
}

/** What a process has noted. */
export interface Journal {
  /** Oldest first. */
  readonly calls: readonly Call[]
  readonly pauses: readonly Interval[]
}

/** Reads what a process has noted so far. */
export function readJournal(path: string): Journal {
  const calls = new Map<number, Call>()
  const pauses: Interval[] = []
  for (const line of linesOf(path)) {
    if ('pause' in line) pauses.push(line.pause)
    else if ('user' in line) {
      calls.set(line.call, { user: line.user, begin: line.begin, writes: [] })
    } else {
      const call = calls.get(line.call)
      if (call === undefined) throw new Error('A call ended before it began')
      if ('wrote' in line) call.writes.push(line)
      else Object.assign(call, { end: line.end, how: line.how })
    }
  }
  return { calls: [...calls.values()], pauses }
}

function linesOf(path: string): Line[] {
  // It may have died before it began.
  if (!existsSync(path)) return []
  // What is behind the last line end is still being written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map(text => JSON.parse(text) as Line)
}
