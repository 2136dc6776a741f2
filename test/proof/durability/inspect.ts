import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import { isErasureError } from '../../../lib/errors.ts'
import { type MemoryLog, memoryLog } from '../../support/memory-log.ts'
import { filesIn } from './files.ts'
import { purgedUsers, purgeInto } from './handler.ts'
import type { Ledger } from './homeserver.ts'

/** How long until the next request comes to its end, though it takes milliseconds. */
const PATIENCE_MS = 60_000
const POLL_MS = 2

/**
 * Starts the SDK once more on what a crash has left, runs everything to the end, and says what is
 * not as promised. One process's end is another's start: that this start is in the process of the
 * test changes nothing, since the one that was killed is gone.
 */
export async function inspect(
  root: string,
  log: string,
  ledger: Ledger,
): Promise<string[]> {
  let erasure: Erasure
  const logger = memoryLog()
  try {
    erasure = await createErasure({ ...filesIn(root), settleMs: 0, logger })
  } catch (error) {
    return [`it does not open: ${isErasureError(error) ? error.code : String(error)}`]
  }
  try {
    const lost = await notErased(erasure, ledger.acknowledged)
    erasure.onUserErase('people', purgeInto(log))
    await erasure.start()
    const unfinished = await runToTheEnd(erasure)
    return [
      ...lost.map(user => `${user} was answered 200 and is forgotten`),
      ...unfinished,
      ...(unfinished.length > 0 ? loggedErrors(logger) : []),
      ...(await compare(erasure, log, ledger)),
    ]
  } finally {
    await erasure.close()
  }
}

async function notErased(erasure: Erasure, users: Iterable<string>): Promise<string[]> {
  const missing: string[] = []
  for (const user of users) if (!(await erasure.isErased(user))) missing.push(user)
  return missing
}

async function runToTheEnd(erasure: Erasure): Promise<string[]> {
  let [left, deadline] = [Infinity, 0]
  for (;;) {
    const { open } = await erasure.status()
    if (open.length === 0) return []
    if (open.length < left) [left, deadline] = [open.length, Date.now() + PATIENCE_MS]
    if (Date.now() > deadline)
      return open.map(
        ({ requestId, state, handlers }) =>
          `${requestId} stays ${state}: ${JSON.stringify(handlers)}`,
      )
    // Looking at many takes a while in which nothing goes on.
    await new Promise(resolve => setTimeout(resolve, POLL_MS + open.length))
  }
}

function loggedErrors({ lines }: MemoryLog): string[] {
  const errors = lines.filter(({ level }) => level === 'error' || level === 'warn')
  return errors.map(
    ({ message, fields }) => `it said: ${message} ${JSON.stringify(fields)}`,
  )
}

async function compare(
  erasure: Erasure,
  log: string,
  { sent, acknowledged }: Ledger,
): Promise<string[]> {
  const complaints: string[] = []
  const purged = purgedUsers(log)
  for (const user of acknowledged) {
    if (!purged.has(user)) complaints.push(`${user} was answered 200 and never purged`)
  }
  for (const user of purged) {
    if (!sent.has(user)) complaints.push(`${user} was purged and never sent`)
  }
  // Also for those who were not answered: request and tombstone are one write.
  for (const user of sent) {
    const isErased = await erasure.isErased(user)
    if (isErased === purged.has(user)) continue
    complaints.push(`${user}: isErased is ${isErased}, purged is ${purged.has(user)}`)
  }
  const { counts } = await erasure.status()
  if (counts.erased !== purged.size)
    complaints.push(`${purged.size} were purged, and ${counts.erased} records are there`)
  return complaints
}
