import type { Test } from 'tap'

import type { Erasure } from '../../lib/core/erasure.ts'
import type { ErasureOptions } from '../../lib/core/options.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import type { ErasureEvent } from '../../lib/request/erasure-event.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import type { ListSource } from './list-source.ts'
import { openErasure } from './open-erasure.ts'
import { until } from './until.ts'

/** An erasure that watches, on a real SQLite file, with a clock of the test. */
export interface Watching {
  readonly erasure: Erasure
  readonly clock: FakeClock
  readonly events: ErasureEvent[]
  /** Whom its handler was called for, once a call. */
  readonly purged: string[]
  /** How often something happened. */
  count(kind: ErasureEvent['kind']): number
}

/** Opens and starts one with a handler; resolves when all `sources` watch. */
export async function startWatching(
  t: Test,
  directory: string,
  sources: readonly ListSource[],
  options: Partial<ErasureOptions> = {},
): Promise<Watching> {
  const clock = fakeClock()
  const events: ErasureEvent[] = []
  const erasure = await openErasure(
    t,
    {
      store: sqliteStore({ path: `${directory}/erasure.db` }),
      clock,
      sources,
      settleMs: 0,
      onEvent: event => void events.push(event),
      ...options,
    },
    directory,
  )
  const purged: string[] = []
  erasure.onUserErase('messages', {
    purge: async ({ userId }) => void purged.push(userId),
    verify: async () => 0,
  })
  await erasure.start()
  await until('the sources watch', () => sources.every(source => source.isWatching))
  const count = (kind: ErasureEvent['kind']) =>
    events.filter(event => event.kind === kind).length
  return { erasure, clock, events, purged, count }
}
