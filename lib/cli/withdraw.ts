import { join } from 'node:path'

import { DEFAULT_RECORD_MS } from '../core/options.ts'
import { loadWaiting, withdrawRequest } from '../core/withdrawals.ts'
import { leaveLetter } from '../engines/sqlite/letters.ts'
import { isErasureError } from '../errors.ts'
import { systemClock } from '../host/clock.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import { withdrawalLetter } from '../store/request-words.ts'
import { CliError } from './cli-error.ts'
import { type Command, parseCommandLine } from './command.ts'
import {
  changeStore,
  readStore,
  STORE_HELP,
  STORE_OPTIONS,
  type StorePlace,
  storePlaceOf,
} from './service-store.ts'

/** How long to wait until nothing of the request is left on disk; the next start does it, too. */
const FORGET_MS = 10_000

/** Withdraws a request that waits in its grace: somebody erased their account by mistake. */
export const withdraw: Command = {
  name: 'withdraw',
  operands: '<request-id>',
  help: [['', 'give up a request that is waiting, as if it never came'], ...STORE_HELP],
  async run({ args, env }) {
    const { values, positionals } = parseCommandLine(args, 1, STORE_OPTIONS)
    const [requestId] = positionals
    if (requestId === undefined) {
      throw new CliError('expected a request id; `status` lists the open ones')
    }
    const place = storePlaceOf(values, env)
    try {
      await changeStore(place, async store => {
        await withdrawIn(store, requestId)
        await store.forget(AbortSignal.timeout(FORGET_MS))
      })
    } catch (error) {
      if (!isErasureError(error, 'STORE_LOCKED')) throw error
      return ask(place, requestId)
    }
    return `${requestId}: withdrawn; nothing was erased\n`
  },
}

/** Only the running application service can write the embedded store: leaves it a letter. */
async function ask(place: StorePlace, requestId: string): Promise<string> {
  const { id } = await readStore(place, store => loadWaiting(store, requestId))
  leaveLetter(join(place.dataDirectory, 'erasure.db'), withdrawalLetter(id))
  return (
    `${id}: the application service withdraws it before it calls a handler, or within minutes; ` +
    'see matrix-appservice-erasure status\n'
  )
}

function withdrawIn(store: ErasureStore, requestId: string): Promise<void> {
  return withdrawRequest(requestId, {
    store,
    clock: systemClock,
    recordMs: DEFAULT_RECORD_MS,
    emit: () => {},
    // A scheduler finds that the request is gone when it comes to it.
    handOver: async () => {},
    runner: { forget: () => {}, expectOrphans: () => {} },
  })
}
