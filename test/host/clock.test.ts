import t from 'tap'

import { sleep, systemClock } from '../../lib/host/clock.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'

t.test('a delay longer than a Node timer can hold does not fire at once', async t => {
  let fired = false
  const cancel = systemClock.setTimer(() => (fired = true), 2 ** 31 + 1000)
  await breathe()
  t.notOk(fired)
  cancel()
})

t.test('a delay in several parts fires when the last is over', async t => {
  const { setTimeout: original } = globalThis
  const parts: number[] = []
  globalThis.setTimeout = ((callback: () => void, ms: number) => {
    parts.push(ms)
    return original(callback, 0)
  }) as typeof setTimeout
  t.teardown(() => (globalThis.setTimeout = original))
  await new Promise<void>(resolve => systemClock.setTimer(resolve, 2 ** 32))
  t.same(parts, [2 ** 31 - 1, 2 ** 31 - 1, 2])
})

t.test('sleep ends with its delay or its signal, whichever is first', async t => {
  const clock = fakeClock()
  const abort = new AbortController()
  const done: string[] = []
  void sleep(clock, 100).then(() => done.push('slept'))
  void sleep(clock, 1000, abort.signal).then(() => done.push('woken'))
  await clock.advance(100)
  t.same(done, ['slept'])
  abort.abort()
  await breathe()
  t.same(done, ['slept', 'woken'])
  await sleep(clock, 1000, abort.signal)
  t.equal(clock.armed, 0)
  t.type(systemClock.now(), 'number')
})
