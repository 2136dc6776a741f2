import { PgBoss } from 'pg-boss'

import { type Logger } from '../../../host/logger.ts'
import { sqlStateOf } from '../connection/clean-error.ts'
import type { Database } from '../connection/database.ts'

/** The one queue in pg-boss's schema. */
export const QUEUE_NAME = 'erasure_requests'

/** How often pg-boss looks for entries whose process does not answer any more. */
const MONITOR_SECONDS = 2
/** How long one of pg-boss's statements may take while it makes or brings up its tables. */
const START_MS = 60_000
/** How often pg-boss looks for jobs that wait for others: there are none. */
const FLOW_SECONDS = 24 * 60 * 60
/** A thousand requests a second are no reason to warn; the SDK's `status` counts them. */
const WARNING_QUEUE_SIZE = 2 ** 31 - 1

/** What pg-boss is started with. */
export interface BossOptions {
  readonly database: Database
  /** pg-boss's own schema: an identifier that needs no quotes. */
  readonly schema: string
  readonly logger: Logger
  /** Called when an entry is due, or may be. */
  readonly onWake: () => void
}

/** pg-boss, started. */
export interface StartedBoss {
  readonly boss: PgBoss
  /** On which it notifies; `undefined` while it cannot be listened to. */
  readonly channel: string | undefined
  /** Resolves when nothing of it runs any more. Does not close the database. */
  stop(): Promise<void>
}

/**
 * Starts pg-boss on our connections, and makes its tables and its queue if they are missing.
 * Several processes may do so at once: it takes a lock. Rejects with an error of pg.
 */
export async function startBoss(options: BossOptions): Promise<StartedBoss> {
  const { database, schema, logger, onWake } = options
  let timeoutMs: number | undefined = START_MS
  let channel: string | undefined
  const boss = new PgBoss({
    db: {
      executeSql: (text, values) => database.query(text, values, timeoutMs),
      listen: async (name, onNotification, onReconnect) => {
        const wake = (payload: string) => {
          onNotification(payload)
          onWake()
        }
        const close = await database.listen(name, wake, () => {
          onReconnect()
          onWake()
        })
        channel = name
        return { close }
      },
    },
    schema,
    schedule: false,
    useListenNotify: true,
    superviseIntervalSeconds: MONITOR_SECONDS,
    monitorIntervalSeconds: MONITOR_SECONDS,
    flowIntervalSeconds: FLOW_SECONDS,
    warningQueueSize: WARNING_QUEUE_SIZE,
    registerInstance: false,
    openTelemetry: { enabled: false },
  })
  logEvents(boss, logger)
  const stop = () => boss.stop({ graceful: false, close: false })
  try {
    await boss.start()
    await boss.createQueue(QUEUE_NAME, { policy: 'singleton', notify: true })
  } catch (error) {
    await stop()
    throw error
  }
  timeoutMs = undefined
  return { boss, channel, stop }
}

/** Only kinds and codes: messages of errors may quote rows. */
function logEvents(boss: PgBoss, logger: Logger): void {
  boss.on('error', error => {
    logger.debug('pg-boss met an error', { code: sqlStateOf(error) })
  })
  boss.on('warning', ({ data }) => {
    const kind = 'type' in data && typeof data.type === 'string' ? data.type : 'unknown'
    logger.warn('pg-boss warns', { kind })
  })
}
