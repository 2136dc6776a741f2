import { sleep } from '../../host/clock.ts'
import type { ErasureSink } from '../../watch/source.ts'
import { type Health, watchHealth } from './health.ts'
import { HomeserverBusy } from './homeserver-busy.ts'
import { backOff, stretch } from './pause.ts'
import { type Load, scan, type ScanContext } from './scan.ts'
import { type ListKind, NEWEST } from './user-list.ts'

/** When all accounts were last listed, which outlives the process: it is too much work to repeat. */
interface LastFullScan {
  readonly startedAt: number
  readonly busyMs: number
}

/**
 * Scans until `signal` aborts: the deactivated accounts often, all accounts rarely. The two do not
 * wait for each other, because listing all accounts of a large homeserver takes minutes. Only the
 * first scan of all is alone: it decides who was erased before the source came.
 */
export async function watchLists(context: Omit<ScanContext, 'known'>): Promise<void> {
  const { sink, options, signal } = context
  const shared = { ...context, known: { dialect: NEWEST } }
  const health = watchHealth(sink, options.name)
  const often = rounds(shared, health, 'deactivated', options.intervalMs)
  const rarely = rounds(shared, health, 'all', options.fullIntervalMs)
  const last = await readLast(sink)
  const waitMs =
    last === undefined
      ? await rarely()
      : untilDue(last, options.fullIntervalMs, options, sink.clock.now())
  await Promise.all([repeat(often, 0), repeat(rarely, waitMs)])

  async function repeat(round: () => Promise<number>, firstWaitMs: number) {
    for (let wait = firstWaitMs; !signal.aborted;) {
      if (wait > 0) await sleep(sink.clock, wait, signal)
      if (!signal.aborted) wait = await round()
    }
  }
}

/** A function that scans once, and says how long to wait until it is called again. Never rejects. */
function rounds(
  context: ScanContext,
  health: Health,
  kind: ListKind,
  intervalMs: number,
): () => Promise<number> {
  const { sink, signal, options } = context
  let failures = 0
  return async () => {
    const startedAt = sink.clock.now()
    const load: Load = { busyMs: 0, pages: 0 }
    // Now and then everything is found out anew: homeservers are upgraded, and get or lose MAS.
    if (kind === 'all') context.known.dialect = NEWEST
    try {
      await scan(context, kind, load)
      if (kind === 'all') await sink.setCursor({ startedAt, busyMs: load.busyMs })
      failures = 0
      await health.scanned(kind)
    } catch (error) {
      if (signal.aborted) return 0
      failures += 1
      await health.failed(kind, error).catch(() => {})
      const retryAfterMs = error instanceof HomeserverBusy ? error.retryAfterMs : 0
      return Math.max(
        backOff(intervalMs, failures, retryAfterMs),
        stretch(0, load.busyMs, options.maxBusyPercent),
      )
    }
    const done = { startedAt, busyMs: load.busyMs }
    return untilDue(done, intervalMs, options, sink.clock.now())
  }
}

/** No longer than a whole interval, wherever a clock that was set may have put the beginning. */
function untilDue(
  last: LastFullScan,
  intervalMs: number,
  { maxBusyPercent }: Pick<ScanContext['options'], 'maxBusyPercent'>,
  now: number,
): number {
  const restMs = stretch(intervalMs, last.busyMs, maxBusyPercent)
  return Math.min(restMs, Math.max(0, last.startedAt + restMs - now))
}

/** A store that cannot be read now is asked again when the scan is stored. */
async function readLast(sink: ErasureSink): Promise<LastFullScan | undefined> {
  const cursor = Object(
    await sink.cursor().catch(() => undefined),
  ) as Partial<LastFullScan>
  const { startedAt, busyMs } = cursor
  if (typeof startedAt !== 'number' || typeof busyMs !== 'number') return undefined
  return { startedAt, busyMs }
}
