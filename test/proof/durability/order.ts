import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { createUserSeal } from '../../../lib/user-seal/user-seal.ts'
import { type Call, type Moment, succeeded } from './record.ts'

/** A 200, whose it is, and where in the recording its first byte was written. */
export interface Answer {
  readonly user: string
  readonly begunAt: number
}

/** Every 200 of a recording, in order. */
export function answersOf(moments: readonly Moment[]): Answer[] {
  const asked = new Map<number, string>()
  return moments.flatMap(({ at, call }, index): Answer[] => {
    if (call.kind === 'receive' && at === 'end' && succeeded(call)) {
      const user = /"user_id":"([^"]*)"/.exec(call.data.toString())?.[1]
      if (user !== undefined) asked.set(call.fd, user)
    }
    if (call.kind !== 'answer' || at !== 'begin') return []
    const user = asked.get(call.fd)
    if (user === undefined) throw new Error('A 200 that nobody asked for')
    asked.delete(call.fd)
    return [{ user, begunAt: index }]
  })
}

/** A transaction in the write-ahead log. */
interface Commit {
  readonly content: string
  /** Where the last write of it ended. */
  readonly writtenAt: number
  /** Where the first fsync ended that began after that. */
  readonly durableAt: number | undefined
}

/**
 * What is wrong with the order in which a bridge wrote. Before the first byte of a 200, an fsync
 * of the log has returned that began after the last write of the commit that the request is in,
 * and the tombstone is in the same commit.
 */
export function checkOrder(moments: readonly Moment[], key: Uint8Array): string[] {
  const seal = createUserSeal(key)
  const commits = commitsOf(moments)
  return answersOf(moments).flatMap(({ user, begunAt }) => {
    const tag = seal.tag(parseUserId(user))
    const texts = [`erasure:tombstone:${tag}`, `"tag":"${tag}"`]
    const commit = commits.find(({ content }) =>
      texts.some(text => content.includes(text)),
    )
    if (commit === undefined) return [`${user}: answered, and never written`]
    const { content, durableAt } = commit
    if (!texts.every(text => content.includes(text)))
      return [`${user}: request and tombstone are not one write`]
    if (durableAt !== undefined && durableAt < begunAt) return []
    return [`${user}: answered at moment ${begunAt}, durable at ${durableAt ?? 'none'}`]
  })
}

/** Whether a call is about the write-ahead log of SQLite. */
export const isLog = ({ path }: Call): boolean => path?.endsWith('-wal') === true
/** A frame of the log is two writes: a header of this length, and a page. */
const FRAME_HEADER_BYTES = 24

/** @see https://www.sqlite.org/fileformat2.html#the_write_ahead_log */
function commitsOf(moments: readonly Moment[]): Commit[] {
  const commits: Commit[] = []
  let pages: string[] = []
  let isLast = false
  for (const [index, { at, call }] of moments.entries()) {
    if (at === 'begin' || call.kind !== 'write' || !isLog(call)) continue
    if (call.data.length === FRAME_HEADER_BYTES) {
      // The size of the database after the transaction, or 0 where more frames follow.
      isLast = call.data.readUInt32BE(4) > 0
      continue
    }
    pages.push(call.data.toString('latin1'))
    if (!isLast) continue
    const durableAt = findSync(moments, index)
    commits.push({ content: pages.join(''), writtenAt: index, durableAt })
    pages = []
    isLast = false
  }
  return commits
}

function findSync(moments: readonly Moment[], after: number): number | undefined {
  const begun = new Set<Call>()
  for (let index = after + 1; index < moments.length; index += 1) {
    const { at, call } = moments[index] as Moment
    if (call.kind !== 'sync' || !isLog(call) || !succeeded(call)) continue
    if (at === 'begin') begun.add(call)
    else if (begun.has(call)) return index
  }
  return undefined
}
