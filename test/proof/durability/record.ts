import { readFileSync } from 'node:fs'

interface Written {
  readonly data: Buffer
}

interface InFile {
  readonly inode: number
}

/** A name in a folder, which is known by its inode. */
interface InFolder {
  readonly folder: number
  readonly name: string
}

/** What a system call was about. */
type Action =
  | ({ readonly kind: 'write'; readonly offset: number } & InFile & Written)
  | ({ readonly kind: 'truncate'; readonly size: number } & InFile)
  | ({ readonly kind: 'sync' } & InFile)
  | ({ readonly kind: 'create' | 'mkdir' | 'link' } & InFile & InFolder)
  | ({ readonly kind: 'unlink' } & InFolder)
  | ({
      readonly kind: 'rename'
      readonly from: readonly [folder: number, name: string]
    } & InFile &
      InFolder)
  /** `receive` and `say`: on a socket; `answer`: a 200 on a socket; `log`: to the log of purges. */
  | ({ readonly kind: 'receive' | 'say' | 'answer'; readonly fd: number } & Written)
  | ({ readonly kind: 'log' } & Written)

/** A system call of the bridge. */
export type Call = Action & {
  /** Its name in the kernel. */
  readonly call: string
  /** Relative to the folder that is watched. */
  readonly path?: string
  /** The number of the boundary that it is. */
  readonly boundary?: number
  /** What it answered; negative: an error; `undefined`: it was killed first. */
  readonly result?: number
}

/** One end of a system call. The order of moments is the order in which things happened. */
export interface Moment {
  readonly at: 'begin' | 'end'
  readonly call: Call
}

interface Line {
  readonly begin?: Record<string, unknown>
  readonly end?: number
  readonly result?: number
  readonly inode?: number
  readonly data?: string
}

/** Reads what tracer.py has written. */
export function readRecord(path: string): Moment[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  const calls: Record<string, unknown>[] = []
  const moments = lines.map((text, index): Moment => {
    const { begin, end = 0, ...rest } = JSON.parse(text) as Line
    if (begin !== undefined) {
      calls[index] = withBytes(begin)
      return { at: 'begin', call: begin as unknown as Call }
    }
    const call = Object.assign(calls[end] ?? {}, withBytes(rest))
    return { at: 'end', call: call as unknown as Call }
  })
  return moments
}

function withBytes(line: Record<string, unknown>): Record<string, unknown> {
  const { data } = line
  if (typeof data === 'string') line['data'] = Buffer.from(data, 'base64')
  return line
}

/** Whether the kernel carried the call out. */
export function succeeded({ result }: Call): boolean {
  return result !== undefined && result >= 0
}

/** How many boundaries were reached. */
export function countBoundaries(moments: readonly Moment[]): number {
  return moments.reduce((most, { call }) => Math.max(most, call.boundary ?? 0), 0)
}
