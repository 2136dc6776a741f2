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
  /** How many of them, by why. */
  readonly causes: Record<string, number>
}

/** A homeserver that sends its requests until each is answered 200. */
export interface Homeserver {
  readonly promised: Promised
  /** Resolves when all are. */
  readonly done: Promise<unknown>
  /** Sends nothing more. */
  stop(): void
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
export function sendAll(
  hosts: readonly Host[],
  users: readonly number[],
  spreadMs: number,
  random: () => number,
): Homeserver {
  const promised: Promised = { users: new Set(), answers: 0, refusals: 0, causes: {} }
  const state = { isStopped: false }
  const send = async (user: number) => {
    for (;;) {
      const why = await trySend(hosts, user, random)
      if (why === undefined) break
      if (state.isStopped) return
      promised.refusals += 1
      promised.causes[why] = (promised.causes[why] ?? 0) + 1
      await sleep(AGAIN_MS)
    }
    promised.users.add(user)
    promised.answers += 1
  }
  const begunAt = performance.now()
  let next = 0
  const connection = async () => {
    while (next < users.length && !state.isStopped) {
      const index = next++
      const user = users[index] ?? 0
      await sleep(begunAt + (spreadMs * index) / users.length - performance.now())
      await Promise.all(index % TWICE === 0 ? [send(user), send(user)] : [send(user)])
    }
  }
  const connections = Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return {
    promised,
    done: connections,
    stop() {
      state.isStopped = true
    },
  }
}

/** @returns why it was not answered 200, or nothing if it was */
async function trySend(
  hosts: readonly Host[],
  user: number,
  random: () => number,
): Promise<string | undefined> {
  const host = hosts[Math.floor(random() * hosts.length)]
  if (host?.port === undefined) return `${host?.name} does not listen`
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS)
    const { status } = await sendErase(host.port, userIdOf(user), signal)
    return status === 200 ? undefined : `${host.name} answers ${status}`
  } catch (error) {
    const { name, cause } = error as Error
    const { code = name } = (cause ?? {}) as { code?: string }
    return `${host.name}: ${code}`
  }
}

function sleep(ms: number): Promise<void> | undefined {
  return ms > 0 ? new Promise(resolve => setTimeout(resolve, ms)) : undefined
}
