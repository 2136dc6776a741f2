import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { Withdrawals } from '../../lib/core/withdrawals.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { createUserSeal } from '../../lib/user-seal/user-seal.ts'
import { acceptInGrace } from '../support/accept-in-grace.ts'
import { inGrace, key, openBridge } from '../support/bridge-in-grace.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import type { MemoryStore } from '../support/memory-store.ts'
import { REGISTRATION } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const al = '@al:example.org'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** Everything but records, the state of the source and the key's check value. */
const left = ({ documents }: MemoryStore) =>
  [...documents.keys()].filter(name => !/record|key-check|erasure:source:/.test(name))

for (const started of [true, false]) {
  const when = started ? 'started' : 'not started'
  t.test(`withdrawn, a request leaves a record, and nothing else, ${when}`, async t => {
    const { erasure, clock, store, events, calls, accept } = await openBridge()
    if (started) await erasure.start()
    const requestId = await accept(bob)
    await clock.advance(MINUTE_MS)
    await erasure.withdraw(requestId)
    t.notOk(await erasure.isErased(bob))
    t.same(left(store), [])
    t.match((await erasure.status()).counts, { waiting: 0, withdrawn: 1 })
    t.same((await erasure.status()).open, [])
    t.match(events.at(-1), { kind: 'withdrawn', requestId })
    const [record] = [...store.documents].filter(([name]) => name.includes('record'))
    const receivedAt = clock.now() - MINUTE_MS
    t.same(JSON.parse(record?.[1] ?? '').value, {
      requestId,
      outcome: 'withdrawn',
      receivedAt,
      finishedAt: clock.now(),
      handlers: {},
    })
    await t.rejects(erasure.withdraw(requestId), { code: 'REQUEST_UNKNOWN' })
    await clock.advance(2 * DAY_MS)
    t.same(calls, [])
    await erasure.close()
    t.equal(clock.armed, 0, 'the scheduler has forgotten it')
  })
}

t.test('what has begun, or has no grace, cannot be withdrawn', async t => {
  const { erasure, clock, calls, accept } = await openBridge()
  const { requestId: graceless } = await erasure.accept(al)
  const begun = { code: 'REQUEST_BEGUN', requestId: graceless }
  await t.rejects(erasure.withdraw(graceless), begun)
  for (const unknown of ['x', bob, '01a212ee-b4be-787a-be29-60845c745b95']) {
    await t.rejects(erasure.withdraw(unknown), { code: 'REQUEST_UNKNOWN' })
  }
  const requestId = await accept(bob)
  await clock.advance(2 * HOUR_MS)
  t.match((await erasure.status()).counts, { waiting: 1, accepted: 1 })
  let open = () => {}
  const gate = new Promise<void>(resolve => (open = resolve))
  erasure.onUserErase('slow', () => gate)
  await erasure.start()
  await breathe()
  t.equal(calls.length, 2)
  await t.rejects(erasure.withdraw(requestId), { code: 'REQUEST_BEGUN', requestId })
  t.ok(await erasure.isErased(bob))
  open()
  await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 2)
  await t.rejects(erasure.withdraw(requestId), { code: 'REQUEST_UNKNOWN' })
  await erasure.close()
})

/** Has the next worker that begins a request wait for `steps` before it stores that; tells when. */
function holdNextBegin(steps: number, store: MemoryStore): Promise<void> {
  const { writeIf } = store
  return new Promise(resolve => {
    store.writeIf = async write => {
      if (write.set.some(document => document.key === write.expected.key)) {
        resolve()
        for (let step = 0; step < steps; step += 1) await Promise.resolve()
      }
      return writeIf?.(write) ?? false
    }
  })
}

t.test('of withdrawing and beginning at the same moment exactly one happens', async t => {
  const won = { withdrawn: 0, begun: 0 }
  for (let steps = 0; steps < 60; steps += 1) {
    const { erasure, clock, calls, store, accept } = await openBridge()
    await erasure.start()
    const requestId = await accept(bob)
    await clock.advance(HOUR_MS - 1)
    const beginning = holdNextBegin(steps, store)
    const passing = clock.advance(1)
    await beginning
    const outcome = await erasure.withdraw(requestId).then(
      () => 'withdrawn' as const,
      error => {
        t.ok(/REQUEST_(?:BEGUN|UNKNOWN)/.test(error.code), error.code)
        return 'begun' as const
      },
    )
    await passing
    won[outcome] += 1
    await clock.advance(MINUTE_MS)
    t.equal(calls.length, outcome === 'begun' ? 1 : 0, `after ${steps} steps`)
    t.equal(await erasure.isErased(bob), outcome === 'begun', `after ${steps} steps`)
    const { counts } = await erasure.status()
    t.match(counts, { erased: calls.length, withdrawn: 1 - calls.length })
    if (outcome === 'withdrawn') t.same(left(store), [])
    await erasure.close()
  }
  t.ok(won.withdrawn > 0 && won.begun > 0, JSON.stringify(won))
})

t.test(
  'a worker that only looks does not keep a request from its withdrawal',
  async t => {
    const { erasure, clock, calls, accept } = await openBridge()
    await erasure.start()
    for (let steps = 0; steps < 40; steps += 1) {
      const requestId = await accept(bob)
      await erasure.retry(requestId)
      for (let step = 0; step < steps; step += 1) await Promise.resolve()
      await erasure.withdraw(requestId)
      t.notOk(await erasure.isErased(bob))
    }
    await clock.advance(DAY_MS)
    t.same(calls, [])
    t.match((await erasure.status()).counts, { withdrawn: 40, erased: 0 })
    await erasure.close()
  },
)

t.test('a withdrawal that a failure cut in two is completed by the sweep', async t => {
  const { erasure, clock, store, accept } = await openBridge()
  await erasure.start()
  const requestId = await accept(bob)
  await clock.advance(10 * MINUTE_MS)
  const { writeIf } = store
  if (writeIf === undefined) return t.fail('it has writeIf')
  store.writeIf = async write => {
    if (write.expected.key.includes('tombstone')) throw new Error('the disk is on fire')
    return writeIf(write)
  }
  await t.rejects(erasure.withdraw(requestId), { code: 'STORE_UNWRITABLE' })
  store.writeIf = writeIf
  t.ok(await erasure.isErased(bob))
  await clock.advance(5 * MINUTE_MS)
  t.notOk(await erasure.isErased(bob))
  t.same(left(store), [])
  await erasure.close()
  return undefined
})

t.test('a source withdraws what it has reported, and nothing else', async t => {
  const { erasure, clock, store, events, accept } = await openBridge()
  const seal = createUserSeal(key)
  let forgotten = 0
  const withdrawals = new Withdrawals({
    store: openErasureStore(store, true, clock),
    seal,
    clock,
    emit: event => events.push(event),
    handOver: async () => {},
    recordMs: DAY_MS,
    runner: { forget: () => (forgotten += 1), expectOrphans: () => {} },
  })
  const waiting = async (source: string) => {
    const found: string[] = []
    for await (const userId of withdrawals.waiting(source)) found.push(userId)
    return found
  }
  await accept(bob)
  await accept(bob)
  await accept(bob, { source: 'other', graceMs: HOUR_MS })
  await accept(bob, { source: 'synapse', graceMs: 0 })
  await erasure.accept(bob)
  await accept(al)
  t.same(await waiting('synapse'), [bob, bob, al])
  t.same(await waiting('other'), [bob])
  t.same(await waiting('nobody'), [])
  const tag = seal.tag(parseUserId(bob))
  t.equal(await withdrawals.withdrawReported(tag, 'nobody'), 0)
  t.equal(await withdrawals.withdrawReported(tag, 'synapse'), 2)
  t.equal(forgotten, 2)
  t.equal(await withdrawals.withdrawReported(tag, 'synapse'), 0)
  t.ok(await erasure.isErased(bob), 'three more requests hold it')
  t.same(await waiting('synapse'), [al])
  t.equal(await withdrawals.withdrawReported(seal.tag(parseUserId(al)), 'synapse'), 1)
  t.notOk(await erasure.isErased(al))
  t.match((await erasure.status()).counts, { waiting: 1, accepted: 2, withdrawn: 3 })
  const [sealed] = [...store.documents].filter(([name]) => name.includes(':request:'))
  store.documents.set(
    sealed?.[0] ?? '',
    sealed?.[1].replace(/"sealed":"1\../, '"sealed":"1.~') ?? '',
  )
  t.same(await waiting('other'), [], 'one that cannot be unsealed is left out')
  await erasure.close()
})

t.test('withdrawn, nothing of the request is left in the files', async t => {
  const directory = t.testdir()
  const path = join(directory, 'erasure.db')
  const secret = randomBytes(32)
  const store = sqliteStore({ path })
  const options = { registration: REGISTRATION, key: secret, store }
  const erasure = await createErasure(options)
  t.teardown(() => erasure.close())
  const requestId = await acceptInGrace(bob, inGrace, { store, key: secret })
  const request = await openErasureStore(store, true, fakeClock()).load(requestId)
  const traces = [request?.tag ?? '', request?.sealed.slice(2) ?? '']
  const found = () =>
    readdirSync(directory).flatMap(name => {
      const bytes = readFileSync(join(directory, name))
      return traces.filter(trace => trace === '' || bytes.includes(trace))
    })
  t.ok(new Set(found()).size === 2, 'both are there before')
  await erasure.withdraw(requestId)
  await erasure.close()
  t.same(found(), [])
})
