import { now } from '../../support/now.ts'

/** Jobs that have been finished, and when that was known. */
export interface Finished {
  readonly ids: readonly string[]
  /** On the clock of `now`. */
  readonly at: number
}

/** Often enough to time seconds, seldom enough to cost nothing. */
const REPORT_MS = 10

/** Collects what is finished, and tells the parent from time to time. */
export function createReport(): (id: string) => void {
  let ids: string[] = []
  const send = () => {
    // The parent hangs up once it knows of all, and need not hear what is reported twice.
    process.send?.({ ids, at: now() } satisfies Finished, () => {})
    ids = []
  }
  return id => {
    if (ids.length === 0) setTimeout(send, REPORT_MS)
    ids.push(id)
  }
}
