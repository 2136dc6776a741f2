import { existsSync, openSync, readFileSync, writeSync } from 'node:fs'

/** Microseconds on a clock that all processes of the machine share and nobody sets. */
export function monotonic(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** What a process has noted about a call of one of its handlers. */
type Line =
  | { readonly call: number; readonly user: number; readonly begin: number }
  /** It has removed something; `checked`: when it last saw that its signal had not aborted. */
  | { readonly call: number; readonly checked: number; readonly wrote: number }
  | { readonly call: number; readonly end: number; readonly aborted: boolean }

/** Adds lines to a file: nothing is lost when the process is killed. */
export function openJournal(path: string): (line: Line) => void {
  const file = openSync(path, 'a')
  return line => void writeSync(file, `${JSON.stringify(line)}\n`)
}

/** A call of a handler, as its process has seen it. */
export interface Call {
  readonly user: number
  readonly begin: number
  /** Missing if the process is still in it, or was killed in it. */
  end?: number
  aborted?: boolean
  readonly writes: Array<{ readonly checked: number; readonly wrote: number }>
}

/** Reads what a process has noted so far, oldest first. */
export function readJournal(path: string): Call[] {
  // It may have died before it began.
  if (!existsSync(path)) return []
  // What is behind the last line end is still being written.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const calls = new Map<number, Call>()
  for (const text of lines) {
    const line = JSON.parse(text) as Line
    if ('user' in line) {
      calls.set(line.call, { user: line.user, begin: line.begin, writes: [] })
      continue
    }
    const call = calls.get(line.call)
    if (call === undefined) throw new Error('A call ended before it began')
    if ('wrote' in line) call.writes.push(line)
    else Object.assign(call, { end: line.end, aborted: line.aborted })
  }
  return [...calls.values()]
}
