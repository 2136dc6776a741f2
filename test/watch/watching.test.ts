import t from 'tap'

import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const dave = '@dave:example.org'

t.test('a user whom a scan finds erased is accepted, once', async t => {
  const directory = t.testdir()
  const source = new ListSource()
  source.set('present', bob, carol)
  const first = await startWatching(t, directory, [source])
  await source.scan()
  await first.clock.advance(0)
  t.same(source.looks, [], 'nobody is looked at who is not erased')
  source.set('erased', bob)
  await source.scan()
  t.ok(await first.erasure.isErased(bob))
  t.notOk(await first.erasure.isErased(carol))
  await source.scan()
  await first.clock.advance(1000)
  t.same(first.purged, [bob])
  t.match(await first.erasure.status(), {
    counts: { erased: 1 },
    sources: [{ name: 'test', firstRunDone: true, heldBack: 0, halfFinished: 0 }],
  })
  await first.erasure.close()
  t.notOk(source.isWatching, 'the source is closed with the SDK')

  const again = new ListSource()
  again.set('erased', bob, dave)
  const second = await startWatching(t, directory, [again])
  await again.scan()
  await second.clock.advance(1000)
  t.same(second.purged, [dave], 'after a restart, only who is new')
})
