import { PgBoss } from 'pg-boss'

import { type Logger } from '../../../host/logger.ts'
import { checkTables, withRights } from '../connection/check-server.ts'
import { sqlStateOf } from '../connection/clean-error.ts'
import type { Database } from '../connection/database.ts'

/** The one queue in pg-boss's schema. */
export const QUEUE_NAME = 'erasure_requests'

/** How often pg-boss looks for entries whose process does not answer any more. */
const MONITOR_SECONDS = 2
/** How long one of pg-boss's statements that make or bring up its tables may take. */
const START_MS = 60_000
const DEFINES = /\b(?:CREATE|ALTER)\b/
/** How often pg-boss looks for jobs that wait for others: there are none. */
const FLOW_SECONDS = 24 * 60 * 60
/** A thousand requests a second are no reason to warn; the SDK's `status` counts them. */
const WARNING_QUEUE_SIZE = 2 ** 31 - 1

/** How often it is tried to make tables that another process makes at the same time. */
const ATTEMPTS = 5
/** SQLSTATEs of that: what is to be made is there, by its name or in a catalog. */
const LOST_RACE: ReadonlySet<string> = new Set([
  '42P06',
  '42P07',
  '42710',
  '23505',
  '22012',
])
/** What pg-boss would do besides. */
const QUIET = {
  schedule: false,
  registerInstance: false,
  openTelemetry: { enabled: false },
} as const

/** Where pg-boss is. */
export interface InstallOptions {
  readonly database: Database
  /** pg-boss's own schema: an identifier that needs no quotes. */
  readonly schema: string
  readonly logger: Logger
}

/** What pg-boss is started with. */
export interface BossOptions extends InstallOptions {
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
 * Makes pg-boss's tables and its queue, or brings them up to date. Several processes may do so at
 * once.
 *
 * @throws ErasureError `STORE_FORBIDDEN` or `STORE_VOLATILE`; else an error of pg
 */
export async function installBoss(options: InstallOptions): Promise<void> {
  const { database, schema } = options
  await withRights(database, schema, async () => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await install(options)
        return
      } catch (error) {
        // pg-boss knows by a message that another was faster, but in English alone.
        if (attempt === ATTEMPTS || !LOST_RACE.has(sqlStateOf(error))) throw error
      }
    }
  })
  await checkTables(database, schema)
}

async function install({ database, schema, logger }: InstallOptions): Promise<void> {
  const found = 'SELECT FROM pg_namespace WHERE nspname = $1'
  const { rowCount } = await database.query(found, [schema])
  const boss = new PgBoss({
    db: {
      executeSql: (text, values) =>
        database.query(text, values, DEFINES.test(text) ? START_MS : undefined),
    },
    schema,
    // That takes the right to make schemas even if there is nothing to make.
    createSchema: rowCount === 0,
    supervise: false,
    ...QUIET,
  })
  logEvents(boss, logger)
  try {
    await boss.start()
    await boss.createQueue(QUEUE_NAME, { policy: 'singleton', notify: true })
  } finally {
    await boss.stop({ graceful: false, close: false })
  }
}

/** Starts pg-boss on our connections, after {@link installBoss}. */
export async function startBoss(options: BossOptions): Promise<StartedBoss> {
  const { database, schema, logger, onWake } = options
  let channel: string | undefined
  const boss = new PgBoss({
    db: {
      executeSql: (text, values) => database.query(text, values),
      listen: async (name, onNotification, onReconnect) => {
        const wake = (payload: string) => {
          onNotification(payload)
          onWake()
        }
        const close = await database.subscribe(name, wake, () => {
          onReconnect()
          onWake()
        })
        channel = name
        return { close }
      },
    },
    schema,
    createSchema: false,
    useListenNotify: true,
    superviseIntervalSeconds: MONITOR_SECONDS,
    monitorIntervalSeconds: MONITOR_SECONDS,
    flowIntervalSeconds: FLOW_SECONDS,
    warningQueueSize: WARNING_QUEUE_SIZE,
    ...QUIET,
  })
  logEvents(boss, logger)
  const stop = () => boss.stop({ graceful: false, close: false })
  try {
    await boss.start()
  } catch (error) {
    await stop()
    throw error
  }
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
