// Asks for users who were never erased, each of them once.
import { openErasure } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'

/** What asking cost. */
export interface Ask {
  readonly openMs: number
  readonly microsecondsPerCall: number
  readonly rssBeforeBytes: number
  readonly rssAfterBytes: number
}

const folder = argument(0)
const calls = Number(argument(1))

global.gc?.()
const rssBeforeBytes = process.memoryUsage.rss()
const openedAt = performance.now()
const erasure = await openErasure(folder)
const startedAt = performance.now()
for (let call = 0; call < calls; call += 1) {
  if (await erasure.isErased(`@stranger-${call}:example.org`)) {
    throw new Error('A user counts as erased who was not')
  }
}
const endedAt = performance.now()
answerParent({
  openMs: startedAt - openedAt,
  microsecondsPerCall: ((endedAt - startedAt) / calls) * 1000,
  rssBeforeBytes,
  rssAfterBytes: process.memoryUsage.rss(),
} satisfies Ask)
