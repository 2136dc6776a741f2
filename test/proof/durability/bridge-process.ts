// The bridge that is killed: the real SDK on files below the folder argv[2]. Whom it purges it
// adds to the file argv[3]. Prints its port, and ends when all is done after `finish` on stdin.
import { createErasure } from '../../../lib/core/create-erasure.ts'
import { listen } from '../../../lib/doors/http/listen.ts'
import { filesIn } from './files.ts'
import { purgeInto } from './handler.ts'

/** How long after the last handler everything is verified again. */
const SETTLE_MS = 5

const [root = '', log = '', hold] = process.argv.slice(2)
const erasure = await createErasure({ ...filesIn(root), settleMs: SETTLE_MS })
erasure.onUserErase('people', purgeInto(log, hold === 'hold'))
await erasure.start()
const server = await listen(erasure, { port: 0 })
process.stdin.on('data', () => void finish())
// Whoever started this is gone.
process.stdin.on('end', () => process.exit(1))
process.stdout.write(`${server.port}\n`)

async function finish(): Promise<void> {
  await server.close()
  while ((await erasure.status()).open.length > 0) {
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  }
  await erasure.close()
  process.exit(0)
}
