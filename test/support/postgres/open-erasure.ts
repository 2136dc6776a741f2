import type { Test } from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import type { ErasureOptions } from '../../../lib/core/options.ts'
import {
  postgresEngine,
  type PostgresEngineOptions,
} from '../../../lib/engines/postgres/postgres-engine.ts'
import { type MemoryLog, memoryLog } from '../memory-log.ts'
import { REGISTRATION } from '../open-erasure.ts'
import { until } from '../until.ts'

/** An erasure on PostgreSQL, with one handler, and what that has done. */
export interface PostgresErasure {
  readonly erasure: Erasure
  readonly log: MemoryLog
  /** Users whom the handler has purged. */
  readonly purged: Set<string>
  /** Has the user erased, and resolves once the request is finished. */
  erase(userId: string): Promise<void>
}

/** Opens and starts one; it is closed when the test ends. */
export async function openPostgresErasure(
  t: Pick<Test, 'teardown'>,
  engine: PostgresEngineOptions,
  options: Partial<ErasureOptions> = {},
): Promise<PostgresErasure> {
  const log = memoryLog()
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32, 1),
    ...postgresEngine({ drainMs: 500, logger: log, ...engine }),
    logger: log,
    settleMs: 50,
    ...options,
  })
  t.teardown(() => erasure.close())
  const purged = new Set<string>()
  erasure.onUserErase('place', {
    purge: async ({ userId }) => void purged.add(userId),
    verify: async () => 0,
  })
  await erasure.start()
  return {
    erasure,
    log,
    purged,
    async erase(userId) {
      const { requestId } = await erasure.accept(userId)
      await until(`a request is finished; ${log.text()}`, async () => {
        const { open } = await erasure.status()
        return open.every(request => request.requestId !== requestId)
      })
    },
  }
}
