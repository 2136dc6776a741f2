// A bridge with one source, which says when a handler is called and when a scan was complete.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

import { AppService } from 'matrix-appservice'
import { parse } from 'yaml'

import { attachErasure } from '../../lib/doors/bridge/attach-erasure.ts'
import type { Registration } from '../../lib/registration/registration.ts'
import { synapse, synapsePostgres } from '../../lib/sources/index.ts'
import { openErasure } from '../support/erasure.ts'
import { now } from '../support/now.ts'
import { answerParent, argument } from '../support/parent.ts'
import type { SourceKind } from './bridge.ts'

const SCAN_LOOKS_MS = 100

const folder = argument(0)
const registration = parse(readFileSync(argument(1), 'utf8')) as Registration & {
  readonly hs_token: string
}
const kind = argument(3) as SourceKind
const where = argument(4)
const options = {
  serverName: 'hs.test',
  intervalMs: Number(argument(5)),
  firstRun: 'baseline',
} as const
const erasure = await openErasure(folder, {
  registration,
  serverName: 'hs.test',
  sources: [
    kind === 'synapse'
      ? synapse({ ...options, url: where, accessToken: argument(6) })
      : synapsePostgres({ ...options, connectionString: where }),
  ],
})
erasure.onUserErase('nothing', {
  purge: async ({ userId }) => void process.send?.({ userId, at: now() }),
})
await erasure.start()
const service = new AppService({ homeserverToken: registration.hs_token })
attachErasure(service, erasure)
await service.listen(Number(argument(2)), '127.0.0.1', 10)
const startedAt = now()
answerParent({})
for (;;) {
  const [source] = (await erasure.status()).sources
  if (source?.lastSuccessAt !== undefined) break
  await sleep(SCAN_LOOKS_MS)
}
process.send?.({ scannedMs: now() - startedAt })
