import { inspect } from 'node:util'

import t from 'tap'

import { createRedactor } from '../../lib/matrix/redactor.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import type { PurgeHandler, VerifyContext } from '../../lib/purge/handler.ts'
import { registerHandler } from '../../lib/purge/handler-plan.ts'
import { callPurge, callVerify } from '../../lib/purge/call-handler.ts'
import type { RequestId } from '../../lib/request/request-id.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'

const USER = '@victim:example.org'
const subject = {
  userId: parseUserId(USER),
  requestId: 'request-1' as string as RequestId,
  receivedAt: new Date(0),
}

function setUp(handler: object) {
  const clock = fakeClock()
  const log = memoryLog()
  const close = new AbortController()
  const events: object[] = []
  const registered = registerHandler('messages', {
    purge: async () => {},
    timeoutMs: 100,
    ...handler,
  } as PurgeHandler)
  const context = {
    subject,
    clock,
    signal: close.signal,
    log,
    emit: (event: object) => void events.push(event),
    redact: createRedactor(subject.userId),
  }
  return {
    clock,
    log,
    events,
    close,
    purge: (cursor?: number) =>
      callPurge(
        registered,
        context,
        cursor === undefined ? { attempt: 1 } : { cursor, attempt: 2 },
      ),
    verify: () => callVerify(registered, context),
  }
}

t.test(
  'a handler is told what it needs, and what it returns is checked and passed on',
  async t => {
    const until = new Date('2030-01-01')
    const retained = [{ what: 'invoices', why: 'legal-obligation', count: 2, until }]
    const seen: object[] = []
    const { purge, verify } = setUp({
      purge: async (context: object) => {
        seen.push(context)
        return { removed: 3, more: { at: 7 }, waitMs: 5, retained }
      },
      verify: async (context: object) => {
        seen.push(context)
        return 4
      },
    })
    t.same(await purge(1), {
      removed: 3,
      more: '{"at":7}',
      waitMs: 5,
      retained: [{ ...retained[0], until: until.getTime() }],
    })
    t.equal(await verify(), 4)
    t.match(seen, [
      { ...subject, cursor: 1, attempt: 2, signal: AbortSignal },
      { ...subject, signal: AbortSignal },
    ])
  },
)

const until = new Date('2030-01-01')
const kept = { what: 'invoices', why: 'legal-obligation', count: 1, until }
const circular: { self?: unknown } = {}
circular.self = circular

const nonsense: ReadonlyArray<readonly [string, unknown]> = [
  ['a number', 1],
  ['a string', USER],
  ['null', null],
  ['true', true],
  ['an unknown key', { removed: 1, done: true }],
  ['a negative count', { removed: -1 }],
  ['a fraction', { removed: 0.5 }],
  ['NaN', { removed: Number.NaN }],
  ['a text as count', { removed: '1' }],
  ['a negative wait', { more: 1, waitMs: -1 }],
  ['an endless wait', { more: 1, waitMs: Infinity }],
  ['a cursor that is a function', { more: () => {} }],
  ['a cursor that is circular', { more: circular }],
  ['a cursor that is too long', { more: 'x'.repeat(17_000) }],
  ['a big integer as cursor', { more: 1n }],
  ['retained that is no list', { retained: kept }],
  ['retained nothing', { retained: [null] }],
  ['retained for no reason', { retained: [{ ...kept, why: 'because' }] }],
  ['retained without an end', { retained: [{ ...kept, until: new Date(Number.NaN) }] }],
  ['retained until a text', { retained: [{ ...kept, until: '2030-01-01' }] }],
  ['retained in free text', { retained: [{ ...kept, what: 'Invoices of Mr Smith' }] }],
  [
    'retained under the name of the user',
    { retained: [{ ...kept, what: 'mail-of-victim' }] },
  ],
  [
    'a result that throws when it is read',
    Object.defineProperty({}, 'removed', {
      enumerable: true,
      get() {
        throw new Error(USER)
      },
    }),
  ],
]

t.test('nonsense is a failure with a code', async t => {
  for (const [what, value] of nonsense) {
    t.equal(await setUp({ purge: async () => value }).purge(), 'PURGE_INVALID', what)
  }
  for (const value of [-1, 0.5, Number.NaN, Infinity, '0', null, undefined, true, []]) {
    t.equal(
      await setUp({ verify: async () => value }).verify(),
      'VERIFY_INVALID',
      inspect(value),
    )
  }
})

const throws: ReadonlyArray<readonly [string, () => unknown]> = [
  ['an error', () => Promise.reject(new Error(`no ${USER}`))],
  ['a text', () => Promise.reject(USER)],
  ['nothing', () => Promise.reject(undefined)],
  [
    'an error before it returns a promise',
    () => {
      throw new TypeError(USER)
    },
  ],
  [
    'a nested error',
    () =>
      Promise.reject(
        new Error(USER, { cause: Object.assign(new Error(USER), { code: USER }) }),
      ),
  ],
  [
    'an error that cannot be read',
    () =>
      Promise.reject(
        Object.defineProperty(new Error(USER), 'name', {
          get() {
            throw new Error(USER)
          },
        }),
      ),
  ],
  [
    'a thenable that throws',
    () => ({ then: (_: unknown, reject: (e: Error) => void) => reject(new Error(USER)) }),
  ],
]

t.test(
  'whatever a handler throws is contained, and nothing of the user is logged',
  async t => {
    for (const [what, body] of throws) {
      const { purge, verify, log, events } = setUp({ purge: body, verify: body })
      t.equal(await purge(), 'PURGE_FAILED', what)
      t.equal(await verify(), 'VERIFY_FAILED', what)
      t.match(events, [{ kind: 'handler threw' }, { kind: 'handler threw' }])
      t.notMatch(JSON.stringify([events, log.lines]), /victim/, what)
    }
  },
)

t.test('a call that hangs is cut off, and its late answer changes nothing', async t => {
  for (const late of ['resolve', 'reject'] as const) {
    const hanging = Promise.withResolvers<unknown>()
    let signal: AbortSignal | undefined
    const { purge, clock } = setUp({
      purge: (context: VerifyContext) => {
        signal = context.signal
        return hanging.promise
      },
    })
    const outcome = purge()
    await clock.advance(99)
    t.notOk(signal?.aborted)
    await clock.advance(1)
    t.equal(await outcome, 'PURGE_TIMEOUT')
    t.ok(signal?.aborted)
    hanging[late](new Error(USER))
    await breathe()
    t.equal(clock.armed, 0)
  }
})

t.test('closing the SDK aborts a call without calling it a failure', async t => {
  const { purge, verify, close } = setUp({
    purge: () => new Promise(() => {}),
    verify: () => new Promise(() => {}),
  })
  const outcomes = [purge(), verify()]
  close.abort()
  t.same(await Promise.all(outcomes), ['aborted', 'aborted'])
  t.equal(await purge(), 'aborted', 'also when it was closed before')
})

t.test('what a handler logs has the user taken out', async t => {
  const { purge, log } = setUp({
    purge: async ({ userId, log }: VerifyContext) => {
      log.info(`deleting ${userId}`, { user: encodeURIComponent(userId) })
    },
  })
  await purge()
  t.same(log.lines[0], {
    level: 'info',
    message: 'deleting [user]',
    fields: { user: '[user]' },
  })
})
