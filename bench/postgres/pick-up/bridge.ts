// A bridge that takes requests, or works on them, or both, and says when a handler is called.
import { listen } from '../../../lib/doors/http/listen.ts'
import { now } from '../../support/now.ts'
import { answerParent, argument } from '../../support/parent.ts'
import { openOurs } from '../support/ours.ts'

/** What the process does. */
export type Role = 'takes' | 'works' | 'takes and works'

/** Where it listens; 0 if it does not. */
export interface Bridge {
  readonly port: number
}

/** A handler's first call, on the clock of `now`. */
export interface Call {
  readonly at: number
}

const role = argument(1) as Role
const erasure = await openOurs(argument(0))
erasure.onUserErase('nothing', async () => {
  process.send?.({ at: now() } satisfies Call)
})
if (role !== 'takes') await erasure.start()
const door = role === 'works' ? undefined : await listen(erasure, { port: 0 })
answerParent({ port: door?.port ?? 0 } satisfies Bridge)
