// Fills a store with open requests, as they are when a process ends right after acknowledging.
import { openErasure } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'

const BATCH = 1000

const folder = argument(0)
const count = Number(argument(1))

const erasure = await openErasure(folder)
for (let first = 0; first < count; first += BATCH) {
  const users = Array.from(
    { length: BATCH },
    (_, index) => `@u${first + index}:example.org`,
  )
  await Promise.all(users.map(user => erasure.accept(user)))
}
const { counts } = await erasure.status()
await erasure.close()
answerParent({ open: counts.accepted })
