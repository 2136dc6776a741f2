// A process with a scheduler, whose work goes on until it is aborted and then says it is
// finished. Prints a line for each thing that happens; ends when its input does.
import { systemClock } from '../../../lib/host/clock.ts'
import { openDatabase } from '../../../lib/engines/postgres/connection/database.ts'
import { pgBossScheduler } from '../../../lib/engines/postgres/queue/pg-boss-scheduler.ts'

const [connectionString = '', schema = ''] = process.argv.slice(2)
const database = openDatabase({ connectionString })
const scheduler = pgBossScheduler({
  database,
  schema,
  clock: systemClock,
  leaseMs: 10_000,
  drainMs: 100,
})
await scheduler.start(async (id, signal) => {
  console.log(`began ${id}`)
  await new Promise(resolve => signal.addEventListener('abort', resolve))
  console.log(`aborted ${id}`)
  return undefined
})
console.log('started')
process.stdin.on('end', () => {
  void scheduler.close().then(() => database.close())
})
process.stdin.resume()
