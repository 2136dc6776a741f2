import { codeOf } from '../../errors.ts'
import { sleep } from '../../host/clock.ts'
import { type ErasureSink, SourceError } from '../../watch/source.ts'
import { ChangeLog } from './change-log.ts'
import { listErased } from './erased-users.ts'
import type { Line } from './line.ts'

/** The channel of the trigger in docs/homeservers.md. */
const CHANNEL = 'erased_users'
/** The whole list is read again a hundred times as long after as it took. */
const REST_FACTOR = 100
/** However many notifications come, there are at most ten rounds a second. */
const PAUSE_MS = 100
const FIRST_BACKOFF_MS = 1000
const MAX_BACKOFF_MS = 60_000

/** What is watched, and who is told. */
export interface WatchOptions {
  readonly sink: ErasureSink
  readonly name: string
  readonly serverName: string
  readonly intervalMs: number
  /** Opens a connection. */
  readonly open: () => Promise<Line>
  /** Told of each connection, so that others can use it. */
  readonly onLine: (line: Line) => void
  /** Aborts when it is to stop. */
  readonly signal: AbortSignal
}

/** Watches on one connection after the other, until it is told to stop. Never rejects. */
export async function watchDatabase(options: WatchOptions): Promise<void> {
  const { sink, signal, intervalMs } = options
  const { clock } = sink
  const rounds = new Rounds(options)
  let failures = 0
  while (!signal.aborted) {
    const startedAt = clock.now()
    try {
      const changed = await rounds.run()
      failures = 0
      await sleep(clock, PAUSE_MS, signal)
      await sleep(clock, startedAt + intervalMs - clock.now(), changed)
    } catch (error) {
      if (signal.aborted) break
      failures += 1
      await report(options, error)
      await sleep(clock, backOff(intervalMs, failures), signal)
    }
  }
  await rounds.end()
}

/** Rounds on one connection, which is opened again after it is lost. */
class Rounds {
  readonly #options: WatchOptions
  readonly #log: ChangeLog
  #line: Line | undefined
  /** When the whole list is due. */
  #listAt = 0

  constructor(options: WatchOptions) {
    this.#options = options
    this.#log = new ChangeLog(options)
    // Queries under way are not waited for.
    const close = () => void this.#line?.close()
    options.signal.addEventListener('abort', close, { once: true })
  }

  /** @returns a signal that aborts when there is something new since the round began, or at the end */
  async run(): Promise<AbortSignal> {
    const { sink, serverName, intervalMs } = this.#options
    const line = await this.#connect()
    const changed = line.arm()
    const startedAt = sink.clock.now()
    const stretch = await this.#log.begin(line)
    if (startedAt >= this.#listAt) {
      await sink.compare(listErased(line, serverName))
      const tookMs = sink.clock.now() - startedAt
      this.#listAt = startedAt + Math.max(intervalMs, REST_FACTOR * tookMs)
    }
    // After the list, because at the first run it decides who is accepted, and how fast.
    await this.#log.follow(line, stretch)
    await sink.succeeded()
    return changed
  }

  async end(): Promise<void> {
    await this.#line?.close()
  }

  async #connect(): Promise<Line> {
    const { open, onLine, signal } = this.#options
    if (this.#line?.isLost === false) return this.#line
    await this.#line?.close()
    const line = await open()
    this.#line = line
    if (signal.aborted) await line.close()
    await line.listen(CHANNEL)
    onLine(line)
    return line
  }
}

async function report({ sink, name }: WatchOptions, error: unknown): Promise<void> {
  const isOfSource = error instanceof SourceError
  const message = isOfSource ? error.message : 'What was found cannot be stored'
  const code = isOfSource ? error.code : codeOf(error)
  sink.logger.debug(`${message}; the source tries again`, { source: name, code })
  if (!isOfSource) return
  try {
    await sink.failed(error.code)
  } catch {
    // The store is away, too: it is asked again in the next round.
  }
}

/** A part of each wait is random: processes that lost the same server come back one after the other. */
function backOff(intervalMs: number, failures: number): number {
  const most = Math.min(intervalMs, MAX_BACKOFF_MS)
  return (
    Math.min(most, FIRST_BACKOFF_MS * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
  )
}
