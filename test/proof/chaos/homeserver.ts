import { sendErase } from '../../support/send-erase.ts'
import type { Host } from './host.ts'
import { userIdOf } from './people.ts'

/** What the homeserver knows. */
export interface Promised {
  /** Users of whom a 200 was received. */
  readonly users: Set<number>
  /** How many. */
  answers: number
  /** Answers that were not 200, and requests that were not answered. */
  refusals: number
}

/** When a homeserver gives up on a request, and sends it again. */
const TIMEOUT_MS = 5000
const AGAIN_MS = 100
const CONNECTIONS = 16
/** One in so many is sent to two processes at once. */
const TWICE = 8

/**
 * Sends a request for each user, to a process at random, and again until it is answered 200.
 *
 * @param spreadMs - over how long to spread them; 0 as fast as they are answered
 */
export async function sendAll(
  hosts: readonly Host[],
  users: readonly number[],
  spreadMs: number,
  random: () => number,
): Promise<Promised> {
  const promised: Promised = { users: new Set(), answers: 0, refusals: 0 }
  const send = async (user: number) => {
    while (!(await trySend(hosts, user, random))) {
      promised.refusals += 1
      await sleep(AGAIN_MS)
    }
    promised.users.add(user)
    promised.answers += 1
  }
  const begunAt = performance.now()
  let next = 0
  const connection = async () => {
    while (next < users.length) {
      const index = next++
      const user = users[index] ?? 0
      await sleep(begunAt + (spreadMs * index) / users.length - performance.now())
      await Promise.all(index % TWICE === 0 ? [send(user), send(user)] : [send(user)])
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return promised
}

async function trySend(
  hosts: readonly Host[],
  user: number,
  random: () => number,
): Promise<boolean> {
  const host = hosts[Math.floor(random() * hosts.length)]
  if (host?.port === undefined) return false
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    return (await sendErase(host.port, userIdOf(user), signal)).status === 200
  } catch {
    return false
  }
}

function sleep(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise(resolve => setTimeout(resolve, ms)) : undefined
}
