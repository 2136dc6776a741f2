// Starts on a store that holds open requests, and looks at the clock when the first is worked on.
import { openErasure } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'

/** When something had happened, counted from the call of `createErasure`, and the memory then. */
export interface Moment {
  readonly afterMs: number
  readonly rssBytes: number
}

/** What the start was like. */
export interface Begin {
  readonly opened: Moment
  readonly firstCall: Moment
  readonly allScheduled: Moment
}

const folder = argument(0)
const firstCall = Promise.withResolvers<Moment>()
const startedAt = performance.now()
const look = (): Moment => ({
  afterMs: performance.now() - startedAt,
  rssBytes: process.memoryUsage.rss(),
})
let isCalled = false

const erasure = await openErasure(folder)
const opened = look()
erasure.onUserErase('nothing', {
  async purge() {
    if (isCalled) return
    isCalled = true
    firstCall.resolve(look())
  },
  // Without it a request would be finished at once, and not stay open until it has settled.
  verify: async () => 0,
})
await erasure.start()
const allScheduled = look()
answerParent({ opened, firstCall: await firstCall.promise, allScheduled } satisfies Begin)
