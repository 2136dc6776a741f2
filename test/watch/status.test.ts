import t from 'tap'

import { ListSource } from '../support/list-source.ts'
import { memoryLog } from '../support/memory-log.ts'
import { startWatching } from '../support/watch.ts'

const bob = '@bob:example.org'
const HOUR_MS = 60 * 60 * 1000

t.test('a failure is said once per change, and seen in the status', async t => {
  const directory = t.testdir()
  const source = new ListSource()
  const log = memoryLog()
  const options = { logger: log }
  const { erasure, clock, count } = await startWatching(t, directory, [source], options)
  t.match(await erasure.status(), { sources: [{ name: 'test', code: undefined }] })
  const failedAt = new Date(clock.now())
  await source.sink.failed('SOURCE_FORBIDDEN')
  await clock.advance(1000)
  await source.sink.failed('SOURCE_FORBIDDEN')
  t.equal(count('source failed'), 1)
  t.match(await erasure.status(), {
    sources: [{ code: 'SOURCE_FORBIDDEN', since: failedAt, lastSuccessAt: undefined }],
  })
  await source.sink.failed('SOURCE_UNREACHABLE')
  t.equal(count('source failed'), 2)
  await source.scan()
  await source.scan()
  t.equal(count('source recovered'), 1)
  const lines = log.lines.filter(({ fields }) => fields['source'] === 'test')
  t.same(
    lines.map(({ level, fields }) => [level, fields['code']]),
    [
      ['info', undefined],
      ['error', 'SOURCE_FORBIDDEN'],
      ['error', 'SOURCE_UNREACHABLE'],
      ['info', undefined],
    ],
  )
  t.match(await erasure.status(), {
    sources: [
      { code: undefined, since: undefined, lastSuccessAt: new Date(clock.now()) },
    ],
  })
})

t.test('accounts that stay half finished for an hour are counted', async t => {
  const source = new ListSource()
  const log = memoryLog()
  const options = { logger: log }
  const watching = await startWatching(t, t.testdir(), [source], options)
  const { erasure, clock, count } = watching
  source.set('erased', bob)
  const half = [{ userId: bob, erased: true, halfFinished: true }]
  await source.scan(half)
  await clock.advance(HOUR_MS - 1)
  await source.scan(half)
  t.equal(count('half-finished deactivations'), 0)
  await clock.advance(1)
  await source.scan([])
  t.match(await erasure.status(), { sources: [{ halfFinished: 1 }] })
  await source.scan(half)
  t.equal(count('half-finished deactivations'), 1, 'said once')
  t.notMatch(log.text(), /bob/)
  await source.scan([{ userId: bob, erased: true }])
  t.match(await erasure.status(), { sources: [{ halfFinished: 0 }] })
  t.equal(count('half-finished deactivations'), 2)
})

t.test('where a source is outlives a restart', async t => {
  const directory = t.testdir()
  const source = new ListSource()
  const first = await startWatching(t, directory, [source])
  t.equal(await source.sink.cursor(), undefined)
  await source.sink.setCursor({ from: 5 })
  await source.scan()
  const before = await first.erasure.status()
  await first.erasure.close()
  const second = await startWatching(t, directory, [source])
  t.same(await source.sink.cursor(), { from: 5 })
  t.same((await second.erasure.status()).sources, before.sources)
})

t.test('a source that is told who changed has one user looked at', async t => {
  const source = new ListSource()
  const { erasure, clock, count } = await startWatching(t, t.testdir(), [source])
  source.set('erased', bob)
  await source.sink.check(bob)
  await source.sink.check('no user ID')
  t.ok(await erasure.isErased(bob))
  source.set('present', bob)
  await source.sink.check(bob)
  t.notOk(await erasure.isErased(bob))
  t.equal(count('accepted'), 1)
  await clock.advance(0)
  await erasure.close()
})
