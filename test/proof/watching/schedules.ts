import fc from 'fast-check'

import type { Trouble } from '../../support/simulated-synapse/simulated-synapse.ts'
import {
  EVERYBODY,
  type Interruption,
  type Move,
  type Schedule,
  type Step,
} from './steps.ts'

const MINUTE_MS = 60_000

const user = fc.nat(EVERYBODY.length - 1)
const forMs = fc.constantFrom(0, 1000, MINUTE_MS, 7 * MINUTE_MS)
const trouble = fc.constantFrom<Trouble>(
  'away',
  'breaks off',
  '500',
  '429',
  '403',
  'html',
  'no erased',
  'null',
)

const ofUser = <Name extends Move['do']>(name: Name) =>
  fc.record({ do: fc.constant(name), user })
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 8, arbitrary: ofUser('erase') },
  { weight: 3, arbitrary: ofUser('deactivate') },
  { weight: 4, arbitrary: ofUser('begin erasure') },
  { weight: 6, arbitrary: ofUser('reactivate') },
  { weight: 2, arbitrary: ofUser('reactivate halfway') },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('lock'), user, locked: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('new account'),
      at: fc.nat(99),
      deactivated: fc.boolean(),
    }),
  },
)

const interruption: fc.Arbitrary<Interruption> = fc.oneof(
  { weight: 8, arbitrary: move },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash'), forMs }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('trouble'), trouble, forMs }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lag'), forMs }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('no writes'), forMs }) },
)

const ms = fc.constantFrom(1, 1000, 30_000, MINUTE_MS, 3 * MINUTE_MS, 11 * MINUTE_MS)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: interruption },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('advance'), ms }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('at'),
      point: fc.integer({ min: 1, max: 40 }),
      then: interruption,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hint'), user }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('version 3'), has: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('MAS'), has: fc.boolean() }) },
)

/** Homeservers, and what happens to them and to the bridge. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  pageSize: fc.constantFrom(2, 3, 5, 5000),
  tombstoneMs: fc.constantFrom(0, 120 * 24 * 60 * MINUTE_MS),
  before: fc.uniqueArray(user, { maxLength: 4 }),
  steps: fc.array(step, { minLength: 1, maxLength: 30, size: 'max' }),
})
