// Accepts requests that nobody works on yet.
import { answerParent, argument } from '../../../support/parent.ts'
import { openOurs } from '../../support/ours.ts'

const BATCH = 1000

const count = Number(argument(1))
const erasure = await openOurs(argument(0))
for (let first = 0; first < count; first += BATCH) {
  const users = Array.from(
    { length: Math.min(BATCH, count - first) },
    (_, index) => `@u${first + index}:example.org`,
  )
  await Promise.all(users.map(user => erasure.accept(user)))
}
await erasure.close()
answerParent({})
