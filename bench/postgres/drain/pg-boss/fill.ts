// Sends jobs that nobody works on yet.
import { randomUUID } from 'node:crypto'

import { answerParent, argument } from '../../../support/parent.ts'
import { openBoss, QUEUE } from '../../acknowledge/contenders/pg-boss.ts'

const BATCH = 1000

const count = Number(argument(1))
const boss = await openBoss(argument(0))
for (let first = 0; first < count; first += BATCH) {
  const size = Math.min(BATCH, count - first)
  await boss.insert(
    QUEUE,
    Array.from({ length: size }, () => ({ id: randomUUID() })),
  )
}
await boss.stop()
answerParent({})
