import t from 'tap'

import {
  cutAtTombstones,
  finish,
  one,
  other,
  request,
  setUp,
  tag,
  withdraw,
  YEAR_MS,
} from '../support/tombstone-store.ts'

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`10.3: withdrawn, a request leaves its record only, ${how}`, async t => {
    const { store, adapter } = setUp(conditional)
    await store.accept(one)
    await withdraw(store, one)
    t.notOk(await store.isErased(tag))
    t.same([...adapter.documents.keys()], ['erasure:record:request-1'])
    await t.rejects(withdraw(store, one), { code: 'REQUEST_TAKEN' })
    await store.accept(one)
    await store.lift(tag)
    await withdraw(store, one)
    t.same([...adapter.documents.keys()], ['erasure:record:request-1'], 'lifted before')
  })

  t.test(`10.3: what another request holds is not withdrawn, ${how}`, async t => {
    for (const order of ['withdrawn first', 'finished first', 'both at once']) {
      const { clock, store, adapter } = setUp(conditional)
      await store.accept(one)
      await store.accept(other)
      const ends = [() => withdraw(store, one), () => finish(store, other)] as const
      if (order === 'both at once') await Promise.all(ends.map(end => end()))
      else {
        const [first, last] = order === 'withdrawn first' ? ends : [ends[1], ends[0]]
        await first()
        t.ok(await store.isErased(tag), order)
        await last()
      }
      if (order !== 'finished first') t.ok(await store.isErased(tag), order)
      await clock.advance(1011)
      t.notOk(await store.isErased(tag), order)
      const left = [...adapter.documents.keys()].filter(key => key.includes(':open:'))
      t.same(left, [], order)
    }
  })

  t.test(`10.3: accepted while one is withdrawn, another is held, ${how}`, async t => {
    for (let steps = 0; steps < 30; steps += 1) {
      const { clock, store, adapter } = setUp(conditional)
      await store.accept(one)
      const withdrawn = withdraw(store, one)
      // Each time one step further into the withdrawal.
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      await store.accept(other)
      await withdrawn
      await clock.advance(YEAR_MS)
      t.ok(await store.isErased(tag), `after ${steps} steps`)
      await withdraw(store, other)
      t.notOk(await store.isErased(tag), `after ${steps} steps`)
      const left = [...adapter.documents.keys()].filter(key => !key.includes(':record:'))
      t.same(left, [])
    }
  })

  t.test(`10.3: requests that are withdrawn at once leave nothing, ${how}`, async t => {
    const { store, adapter } = setUp(conditional)
    const requests = ['a', 'b', 'c'].map(request)
    for (const each of requests) await store.accept(each)
    await Promise.all(requests.map(each => withdraw(store, each)))
    t.notOk(await store.isErased(tag))
    t.same(
      [...adapter.documents.keys()].filter(key => !key.includes(':record:')),
      [],
    )
  })

  t.test(`10.3: withdrawn halfway by a crash, it is lifted later, ${how}`, async t => {
    for (const meanwhile of ['nothing', 'another is finished', 'another comes']) {
      const { clock, store, adapter } = setUp(conditional)
      await store.accept(one)
      if (meanwhile === 'another is finished') await store.accept(other)
      const repair = cutAtTombstones(adapter)
      await t.rejects(withdraw(store, one), { code: 'STORE_UNWRITABLE' })
      repair()
      t.equal(await store.load(one.id), undefined)
      if (meanwhile === 'another is finished') await finish(store, other)
      if (meanwhile === 'another comes') await store.accept(other)
      await store.releaseOrphans(YEAR_MS)
      t.equal(await store.isErased(tag), meanwhile !== 'nothing', meanwhile)
      if (meanwhile === 'another comes') await finish(store, other)
      await clock.advance(1011)
      t.notOk(await store.isErased(tag), meanwhile)
      const left = [...adapter.documents.keys()].filter(key => key.includes(':open:'))
      t.same(left, [], meanwhile)
    }
  })
}
