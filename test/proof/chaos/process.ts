// One of several processes on the same database: the SDK behind its door, with handlers that note
// every call. What it is to do is in argv[2]. Prints its port when it has started.
// oxlint-disable-next-line import/no-unassigned-import -- it is imported for what it does
import './shift-clock.ts'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { listen } from '../../../lib/doors/http/listen.ts'
import type { Logger } from '../../../lib/host/logger.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { filesHandler, noteIn, rowsHandler } from './handlers.ts'
import { CHAOS_KEY, type ProcessOptions } from './host.ts'
import { notePauses } from './journal.ts'

const options = JSON.parse(process.argv[2] ?? '{}') as ProcessOptions
const { connectionString, folder, journal, leaseMs, concurrency } = options

const erasure = await createErasure({
  registration: REGISTRATION,
  key: CHAOS_KEY,
  ...postgresEngine({ connectionString, leaseMs, concurrency, drainMs: 1000 }),
  settleMs: 200,
  sweepMs: 5000,
  logger: stdoutLogger(),
})
notePauses(journal)
const note = noteIn(journal, folder)
erasure.onUserErase('files', filesHandler(note, folder))
erasure.onUserErase('rows', rowsHandler(note, connectionString))
await erasure.start()
const server = await listen(erasure, { port: 0 })
// Where it waits for something, and nowhere else: whoever is stopped between a look at the clock
// and the next statement makes that statement when it goes on, and no lease can keep it from that.
process.on('SIGUSR2', () => {
  // Only once the line is out: a pipe takes about a hundred lines that nobody has read yet, and who
  // stops with a full one keeps the line, for which the test then waits for ever.
  process.stdout.write('stopping\n', () => process.kill(process.pid, 'SIGSTOP'))
})
process.stdout.write(`port ${server.port}\n`)

function stdoutLogger(): Logger {
  const write =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void process.stdout.write(`${level} ${message} ${JSON.stringify(fields)}\n`)
  return {
    debug: () => {},
    info: () => {},
    warn: write('warn'),
    error: write('error'),
  }
}
