import t from 'tap'

import type { PurgeHandler } from '../../lib/purge/handler.ts'
import { orderHandlers, registerHandler } from '../../lib/purge/handler-plan.ts'

const purge = async () => {}
const named = (name: string, after: string[] = []) =>
  registerHandler(name, { purge, after })
const namesOf = (plan: ReadonlyArray<{ name: string }>) => plan.map(({ name }) => name)

t.test('handlers come after those they name, and else keep their order', async t => {
  const plan = orderHandlers([
    named('map', ['rooms', 'messages']),
    named('messages'),
    named('rooms'),
  ])
  t.same(namesOf(plan), ['messages', 'rooms', 'map'])
  const chain = orderHandlers([
    named('c', ['b']),
    named('b', ['a']),
    named('a'),
    named('d'),
  ])
  t.same(namesOf(chain), ['a', 'b', 'c', 'd'])
})

t.test('no handlers, unknown names and circles are errors', async t => {
  t.throws(() => orderHandlers([]), { code: 'NO_HANDLERS' })
  t.throws(() => orderHandlers([named('a', ['b'])]), {
    code: 'HANDLER_ORDER',
    message: /a must run after b, which is not registered/,
  })
  t.throws(() => orderHandlers([named('a', ['b']), named('b', ['a']), named('c')]), {
    code: 'HANDLER_ORDER',
    message: /wait for each other: a, b/,
  })
  t.throws(() => orderHandlers([named('a', ['a'])]), { code: 'HANDLER_ORDER' })
})

t.test('defaults are filled in, and what is given stays', async t => {
  const { retry, timeoutMs, after } = registerHandler('a', purge)
  t.same(
    { retry, timeoutMs, after },
    {
      retry: { attempts: 8, baseMs: 1000, capMs: 3_600_000 },
      timeoutMs: 60_000,
      after: [],
    },
  )
  t.same(
    registerHandler('a', { purge, retry: { attempts: 2 }, timeoutMs: 5 }).retry.attempts,
    2,
  )
})

t.test('a class may be a handler', async t => {
  class Messages implements PurgeHandler {
    readonly table = 'messages'
    async purge() {}
    async verify() {
      return 0
    }
  }
  t.equal(typeof registerHandler('a', new Messages()).handler.verify, 'function')
})

t.test('what is not a handler is refused with its name', async t => {
  const bad: ReadonlyArray<readonly [string, unknown]> = [
    ['', purge],
    ['Bob', purge],
    ['@bob:example.org', purge],
    ['a', {}],
    ['a', undefined],
    ['a', { purge, verfiy: purge }],
    ['a', { purge, timeoutMs: 0 }],
    ['a', { purge, timeoutMs: Infinity }],
    ['a', { purge, retry: { attempts: 0 } }],
    ['a', { purge, retry: { baseMs: -1 } }],
  ]
  for (const [name, handler] of bad)
    t.throws(() => registerHandler(name, handler as never), TypeError)
})
