import { Client, type ClientConfig, escapeIdentifier } from 'pg'

import { type Clock, sleep } from '../../../host/clock.ts'
import { cleanError } from './clean-error.ts'
import { endClient } from './end-client.ts'
import { pinSettings, timed } from './session.ts'

/** How often a connection that only listens is asked whether it is still there. */
const HEARTBEAT_MS = 10_000
/** How long its answer may take. */
const ANSWER_MS = 5000
/** Waits between attempts to connect: they double, and a part of each is random. */
const FIRST_RETRY_MS = 200
const MAX_RETRY_MS = 10_000

/** The channel, and whom to tell. */
export interface SubscribeOptions {
  readonly config: ClientConfig
  readonly clock: Clock
  readonly channel: string
  readonly onNotification: (payload: string) => void
  /** Called whenever the connection is there again after it was lost. */
  readonly onReconnect: () => void
}

/**
 * Listens until stopped, on one connection after the other.
 *
 * @returns how to stop; rejects if the first connection cannot be made
 */
export async function subscribe(options: SubscribeOptions): Promise<() => Promise<void>> {
  const stopped = new AbortController()
  const first = await connect(options)
  const running = run(options, first, stopped.signal)
  return async () => {
    stopped.abort()
    await running
  }
}

/** A connection, and the signal that it is lost. */
interface Line {
  readonly client: Client
  readonly lost: AbortSignal
}

async function run(
  options: SubscribeOptions,
  first: Line,
  stopped: AbortSignal,
): Promise<void> {
  let line: Line | undefined = first
  while (line !== undefined) {
    await watch(line, options.clock, stopped)
    await endClient(line.client, options.clock)
    line = await reconnect(options, stopped)
    if (line !== undefined) options.onReconnect()
  }
}

/** Resolves once the connection is lost, or no longer wanted. */
async function watch(
  { client, lost }: Line,
  clock: Clock,
  stopped: AbortSignal,
): Promise<void> {
  const over = AbortSignal.any([lost, stopped])
  while (!over.aborted) {
    await sleep(clock, HEARTBEAT_MS, over)
    if (over.aborted) return
    try {
      // A network that drops packets closes nothing: only an answer shows it is there.
      await client.query(timed('SELECT 1', undefined, ANSWER_MS))
    } catch {
      return
    }
  }
}

async function reconnect(
  options: SubscribeOptions,
  stopped: AbortSignal,
): Promise<Line | undefined> {
  for (let attempt = 0; !stopped.aborted; attempt += 1) {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** attempt, MAX_RETRY_MS)
    // Processes that lost the same server do not all come back in the same moment.
    await sleep(options.clock, waitMs * (0.5 + Math.random() / 2), stopped)
    if (stopped.aborted) return undefined
    const line = await connect(options).catch(() => undefined)
    if (line !== undefined) return line
  }
  return undefined
}

async function connect(options: SubscribeOptions): Promise<Line> {
  const { config, clock, channel, onNotification } = options
  const client = new Client(config)
  const lost = new AbortController()
  client.on('error', () => lost.abort())
  client.on('end', () => lost.abort())
  client.on('notification', ({ payload }) => onNotification(payload ?? ''))
  try {
    await client.connect()
    await pinSettings(client)
    await client.query(timed(`LISTEN ${escapeIdentifier(channel)}`, undefined, ANSWER_MS))
    return { client, lost: lost.signal }
  } catch (error) {
    await endClient(client, clock)
    throw cleanError(error)
  }
}
