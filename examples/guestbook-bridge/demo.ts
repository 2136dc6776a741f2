// Shows how the guestbook bridge and the SDK erase a user, even if the bridge is killed in the
// middle of it. Needs only this repository.
import { comeBack, lookAgain, waitForErased } from './demo/acts-after.ts'
import { eraseHer, fillGuestbook, killInTheMiddle } from './demo/acts-before.ts'
import { buildStage, DemoError, say } from './demo/stage.ts'

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(130))
try {
  await play()
  process.exit(0)
} catch (error) {
  say(`\nThe demo failed: ${error instanceof DemoError ? error.message : String(error)}.`)
  process.exit(1)
}

async function play(): Promise<void> {
  const start = performance.now()
  const stage = await buildStage()
  const before = await fillGuestbook(stage)
  const tookMs = await eraseHer(stage)
  const atKill = await killInTheMiddle(stage, before)
  const bridge = await comeBack(stage)
  await waitForErased(stage)
  const after = await lookAgain(stage, bridge, before.dump)
  const seconds = ((performance.now() - start) / 1000).toFixed(0)
  say(`
In short: her user ID, name, words and picture were in ${before.places} places; in ${atKill} when
the bridge was killed in the middle; and are in ${after} now. Her homeserver had its answer after
${tookMs} ms, nobody repaired anything by hand, the data of the two others is the same to the
byte, and no line of the log names her. All of it took ${seconds} seconds.`)
}
