import fc from 'fast-check'

import { PURGE_NONSENSE, VERIFY_NONSENSE } from './moves.ts'
import {
  type HandlerName,
  HANDLERS,
  type Interruption,
  type PurgeMove,
  type Schedule,
  type Step,
  USERS,
  type VerifyMove,
} from './steps.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const user = fc.nat(USERS.length - 1)
const handler = fc.constantFrom(...HANDLERS)

const purgeMove: fc.Arbitrary<PurgeMove> = fc.oneof(
  fc.constantFrom<PurgeMove>('honest', 'fail', 'throw', 'hang', 'same cursor'),
  // 120: more than are taken before others get their turn.
  fc.record({ slices: fc.constantFrom(2, 3, 5, 120) }),
  fc.record({ waitMs: fc.constantFrom(100, MINUTE_MS, 5 * HOUR_MS) }),
  fc.record({ retainMs: fc.constantFrom(1000, HOUR_MS, 50 * HOUR_MS) }),
  fc.record({ nonsense: fc.nat(PURGE_NONSENSE.length - 1) }),
)
/** Of a handler that can be found out. */
const lie = fc.constantFrom<PurgeMove>('half', 'nothing')
const verifyMove: fc.Arbitrary<VerifyMove> = fc.oneof(
  fc.constantFrom<VerifyMove>('honest', 'fail', 'throw', 'hang', 'one more'),
  fc.record({ nonsense: fc.nat(VERIFY_NONSENSE.length - 1) }),
)
/** What a handler can do for ever without anybody waiting for ever. */
const alwaysPurge = fc.constantFrom<PurgeMove>('fail', 'hang', 'same cursor', 'honest')

const without = fc.subarray<HandlerName>([...HANDLERS], { maxLength: 2 })
/** Mostly, everybody can verify. */
const blind = fc.oneof(
  { weight: 2, arbitrary: fc.constant<HandlerName[]>([]) },
  { weight: 1, arbitrary: fc.subarray<HandlerName>([...HANDLERS]) },
)
const ms = fc.constantFrom(
  1,
  100,
  2000,
  MINUTE_MS,
  16 * MINUTE_MS,
  2 * HOUR_MS,
  25 * HOUR_MS,
)

/** How long something fails. */
const forMs = fc.constantFrom(0, 1000, 5 * MINUTE_MS, HOUR_MS)

const interruption: fc.Arbitrary<Interruption> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Interruption>({ do: 'crash' }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('accept'), user }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('lift'), user }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('retry'), request: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('comes back'), user, handler }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('no writes'),
      how: fc.constantFrom('throw', 'throw after', 'answer false'),
      forMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('no reads'), forMs }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('no memory'), forMs }) },
)

const next = fc.oneof(
  fc.record({
    do: fc.constant('next'),
    handler,
    purge: fc.array(purgeMove, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    do: fc.constant('next'),
    handler: handler.filter(name => name !== 'media'),
    purge: fc.array(fc.oneof(lie, purgeMove), { maxLength: 2 }),
    verify: fc.array(verifyMove, { minLength: 1, maxLength: 4 }),
  }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('accept'), user }) },
  { weight: 14, arbitrary: fc.record({ do: fc.constant('advance'), ms }) },
  { weight: 10, arbitrary: next },
  { weight: 6, arbitrary: interruption },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('at'),
      point: fc.integer({ min: 1, max: 60 }),
      then: interruption,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restart'), without, blind }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'accept own' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('new life'), user }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('always'), handler, purge: alwaysPurge }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('always'), handler, verify: verifyMove }),
  },
)

/** Bridges, and what happens to them. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  settleMs: fc.constantFrom(0, 15 * MINUTE_MS),
  attempts: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.constantFrom(4, 1),
  steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
})
