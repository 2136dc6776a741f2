import t from 'tap'

import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'

t.test('only a look says that an account is there again, never an absence', async t => {
  const source = new ListSource()
  const { erasure, clock, count, purged } = await startWatching(t, t.testdir(), [source])
  await source.scan()
  source.set('erased', bob, carol)
  await source.scan()
  await clock.advance(1000)
  source.accounts.delete(bob)
  await source.scan()
  t.ok(await erasure.isErased(bob), 'not listed any more')
  source.set('erased', bob)
  await source.scan([
    { userId: bob, erased: false },
    { userId: carol, erased: true },
  ])
  t.ok(await erasure.isErased(bob), 'listed as not erased, but a look says erased')
  source.set('unknown', bob)
  await source.scan([{ userId: bob, erased: false }])
  t.ok(await erasure.isErased(bob), 'listed as not erased, but not known')
  t.equal(count('reactivated'), 0)
  source.set('present', bob)
  await source.scan()
  t.notOk(await erasure.isErased(bob))
  t.equal(count('reactivated'), 1)
  source.set('erased', bob)
  await source.scan()
  await clock.advance(1000)
  t.same(purged, [bob, carol, bob], 'a later erasure is a new one')
  await erasure.close()
})

t.test('a user who is erased in the list only is not erased', async t => {
  const source = new ListSource()
  const { erasure, clock, count } = await startWatching(t, t.testdir(), [source])
  await source.scan()
  await clock.advance(0)
  source.set('present', bob)
  const list = [bob, carol, 'no user', '@dave:'].map(userId => ({ userId, erased: true }))
  await source.scan(list)
  t.same(source.looks, [bob, carol], 'what is no user ID is ignored')
  t.equal(count('accepted'), 0)
  t.notOk(await erasure.isErased(bob))
  await source.scan([{ userId: bob, erased: 'true' as never }])
  t.equal(source.looks.length, 2, 'erased is true, and nothing else')
})

t.test('a ghost that is erased is declined, once', async t => {
  const directory = t.testdir()
  const source = new ListSource()
  source.set('erased ghost', '@irc_bob:example.org')
  source.set('erased', '@_ghost_1:example.org')
  const first = await startWatching(t, directory, [source])
  await source.scan()
  await first.clock.advance(1000)
  await source.scan()
  t.match(await first.erasure.status(), { counts: { declined: 2, erased: 0 } })
  await first.erasure.close()
  const second = await startWatching(t, directory, [source])
  await source.scan()
  await second.clock.advance(1000)
  t.match(await second.erasure.status(), { counts: { declined: 2, erased: 0 } })
  await second.erasure.close()

  const willing = await startWatching(t, t.testdir(), [source], { eraseOwnUsers: true })
  await source.scan()
  await willing.clock.advance(1000)
  t.equal(willing.purged.length, 2)
})

t.test(
  'a user whom `allow` refuses is not accepted, nor looked at by every scan',
  async t => {
    const source = new ListSource()
    const allow = async (userId: string) => {
      if (userId === carol) throw new Error('the database is away')
      return false
    }
    const { erasure, clock, count } = await startWatching(t, t.testdir(), [source], {
      allow,
    })
    await source.scan()
    await clock.advance(0)
    source.set('erased', bob, carol)
    await source.scan()
    await source.scan()
    t.same(source.looks, [bob, carol, carol])
    t.equal(count('accepted'), 0)
    t.notOk(await erasure.isErased(bob))
  },
)

t.test('an expired tombstone has nobody erased again', async t => {
  const source = new ListSource()
  source.set('erased', bob)
  const options = { tombstoneMs: 0, recordMs: 0 }
  const { erasure, clock, purged } = await startWatching(
    t,
    t.testdir(),
    [source],
    options,
  )
  await source.scan()
  await clock.advance(1000)
  t.notOk(await erasure.isErased(bob))
  await source.scan()
  await clock.advance(1000)
  t.same(purged, [bob])
})

t.test('a user in their grace who is there again is not erased', async t => {
  const source = new ListSource({ graceMs: 60_000 })
  const { erasure, clock, purged } = await startWatching(t, t.testdir(), [source])
  await source.scan()
  await clock.advance(0)
  source.set('erased', bob, carol)
  await source.scan()
  await clock.advance(30_000)
  t.ok(await erasure.isErased(bob), 'events are guarded meanwhile')
  source.set('present', bob)
  await source.scan([{ userId: carol, erased: true }])
  t.notOk(await erasure.isErased(bob), 'found without being listed')
  await clock.advance(60_000)
  // Before work begins, the disk is searched for an operator's word, which takes as long as it takes.
  await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 1)
  t.same(purged, [carol])
  t.match(await erasure.status(), { counts: { erased: 1, withdrawn: 1 } })
  source.set('erased', bob)
  await source.scan()
  await clock.advance(61_000)
  await clock.advanceUntil(() => purged.length > 1)
  t.same(purged, [carol, bob], 'a later erasure is a new one')
})

t.test('a look that began before a reactivation erases nobody after it', async t => {
  const source = new ListSource()
  const { erasure, clock, count } = await startWatching(t, t.testdir(), [source])
  await source.scan()
  await clock.advance(0)
  source.set('erased', bob)
  await source.scan()
  const slow = Promise.withResolvers<void>()
  source.onLook = async () => {
    source.onLook = undefined
    await slow.promise
    return 'erased'
  }
  erasure.hint(bob)
  await clock.advance(0)
  source.set('present', bob)
  const scanned = source.scan()
  await clock.advance(0)
  slow.resolve()
  await scanned
  t.notOk(await erasure.isErased(bob))
  t.equal(count('accepted'), 1)
  await erasure.close()
})

t.test('one who cannot be looked at holds up nobody, and the scan fails', async t => {
  const source = new ListSource()
  const { erasure, clock, count } = await startWatching(t, t.testdir(), [source])
  await source.scan()
  await clock.advance(0)
  source.set('erased', bob, carol)
  source.onLook = async userId => {
    if (userId === bob) throw new Error(`${userId} with token syt_secret`)
    return 'erased'
  }
  await t.rejects(source.scan(), {
    name: 'SourceError',
    code: 'SOURCE_UNREACHABLE',
    message: /^[^@_]*$/,
  })
  t.ok(await erasure.isErased(carol))
  source.onLook = async () => 'gone' as never
  await t.rejects(source.scan(), { code: 'SOURCE_INVALID' })
  source.onLook = () => new Promise(() => {})
  const scanned = source.scan()
  const rejected = t.rejects(scanned, { code: 'SOURCE_UNREACHABLE' })
  await clock.advance(30_000)
  await rejected
  t.equal(count('accepted'), 1)
  source.onLook = async () => {
    throw new Error('the homeserver is away')
  }
  source.looks.length = 0
  source.set('erased', ...Array.from({ length: 200 }, (_, at) => `@u${at}:example.org`))
  await t.rejects(source.scan(), { code: 'SOURCE_UNREACHABLE' })
  t.ok(source.looks.length < 20, 'a homeserver that is away is left alone')
  await erasure.close()
})
