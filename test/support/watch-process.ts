// Watches a source on the PostgreSQL at argv[2], with a clock that runs argv[4] times as fast since
// argv[3]. Scans the users of argv[5] and later ones again and again, and prints what happens.
import { createErasure } from '../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../lib/engines/postgres/postgres-engine.ts'
import type { Clock } from '../../lib/host/clock.ts'
import { sleep } from '../../lib/host/clock.ts'
import type { ErasureSink } from '../../lib/watch/source.ts'
import { ListSource } from './list-source.ts'
import { REGISTRATION } from './open-erasure.ts'

const [connectionString = '', start = '', speed = '', users = ''] = process.argv.slice(2)

/** All processes have the same. */
function fast(clock: Clock): Clock {
  const begin = Number(start)
  const factor = Number(speed)
  return {
    now: () => begin + (clock.now() - begin) * factor,
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs / factor),
  }
}

class ScanningSource extends ListSource {
  override async start(sink: ErasureSink): Promise<void> {
    await super.start(sink)
    void this.#scanUntil(sink)
  }

  async #scanUntil(sink: ErasureSink): Promise<void> {
    while (!sink.signal.aborted) {
      await this.scan().catch(() => {})
      await sleep(sink.clock, 1000, sink.signal)
    }
  }
}

const engine = postgresEngine({ connectionString })
const source = new ScanningSource()
source.set('erased', ...users.split(','))
const erasure = await createErasure({
  registration: REGISTRATION,
  key: Buffer.alloc(32, 1),
  ...engine,
  clock: fast(engine.clock),
  sources: [source],
  settleMs: 0,
  onEvent: ({ kind }) => console.log(kind),
})
erasure.onUserErase('messages', async () => {})
await erasure.start()
console.log('started')
