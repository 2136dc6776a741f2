import assert from 'node:assert/strict'

import type { StoreAdapter } from '../../../store/adapter.ts'
import type { StoreCase } from './with-store.ts'

const BURST = 10_000
/** Text is what Keyv writes; no store can keep this. */
const NOT_TEXT = undefined as never

/** Several documents at once. */
export const batchCases: readonly StoreCase[] = [
  [
    'setMany stores every entry and answers true for each',
    async ({ store }) => {
      const entries = [
        { key: 'a:1', value: 'one' },
        { key: 'b:2', value: 'two', ttl: 60_000 },
      ]
      assert.deepEqual(await setMany(store, entries), [true, true])
      assert.equal(await store.get('a:1'), 'one')
      assert.equal(await store.get('b:2'), 'two')
    },
  ],
  [
    'setMany is atomic: with an entry that cannot be stored, none is',
    async ({ store }) => {
      await store.set('a:0', 'before')
      const entries = [
        { key: 'a:0', value: 'changed' },
        { key: 'a:1', value: 'one' },
        { key: 'a:2', value: NOT_TEXT },
        { key: 'a:3', value: 'three' },
      ]
      await assert.rejects(async () => setMany(store, entries))
      assert.equal(await store.get('a:0'), 'before')
      for (const key of ['a:1', 'a:2', 'a:3']) {
        assert.equal(await store.get(key), undefined)
      }
    },
  ],
  [
    'a write that fails is not stored, one that resolves is, and the next one works',
    async ({ store }) => {
      const values = ['one', NOT_TEXT, 'three']
      const writes = values.map(async (value, index) => store.set(`a:${index}`, value))
      const answers = await Promise.allSettled(writes)
      assert.equal(answers[1]?.status, 'rejected')
      for (const [index, { status }] of answers.entries()) {
        const stored = status === 'fulfilled' ? values[index] : undefined
        assert.equal(await store.get(`a:${index}`), stored)
      }
      assert.equal(await store.set('a:1', 'next'), true)
      assert.equal(await store.get('a:1'), 'next')
    },
  ],
  [
    'writes of one turn happen in the order of the calls: the last one counts',
    async ({ store }) => {
      const answers = await Promise.all([
        store.set('a:1', 'first'),
        store.set('a:1', 'second'),
        store.delete('a:1'),
        store.delete('a:1'),
        store.set('a:1', 'third'),
        setMany(store, [
          { key: 'a:1', value: 'fourth' },
          { key: 'a:2', value: 'first' },
          { key: 'a:2', value: 'second' },
        ]),
        store.set('a:3', 'first'),
        store.delete('a:3'),
      ])
      const all = [true, true, true]
      assert.deepEqual(answers, [true, true, true, false, true, all, true, true])
      assert.equal(await store.get('a:1'), 'fourth')
      assert.equal(await store.get('a:2'), 'second')
      assert.equal(await store.get('a:3'), undefined)
    },
  ],
  [
    'a later write never loses to an earlier one, whatever waits in between',
    async ({ store }) => {
      const writes: Array<Promise<unknown>> = []
      for (let version = 1; version <= 200; version += 1) {
        writes.push(Promise.resolve(store.set('a:1', `version ${version}`)))
        if (version % 7 === 0) await new Promise(setImmediate)
      }
      await Promise.all(writes)
      assert.equal(await store.get('a:1'), 'version 200')
    },
  ],
  [
    `${BURST.toLocaleString('en')} writes at once are all stored`,
    async ({ store }) => {
      const keys = Array.from({ length: BURST }, (_, index) => `a:${index}`)
      const answers = await Promise.all(
        keys.map(key => store.set(key, `value of ${key}`)),
      )
      assert.ok(answers.every(answer => answer === true))
      const values = await Promise.all(keys.map(key => store.get(key)))
      assert.deepEqual(
        values,
        keys.map(key => `value of ${key}`),
      )
      const deleted = await Promise.all(keys.map(key => store.delete(key)))
      assert.ok(deleted.every(answer => answer === true))
      assert.equal(await store.has?.('a:0'), false)
    },
  ],
]

/** Keyv's type says nothing comes back; Keyv itself passes on what does. */
function setMany(
  store: StoreAdapter,
  entries: Array<{ key: string; value: string; ttl?: number }>,
): Promise<unknown> {
  assert.ok(store.setMany, 'it has setMany')
  return store.setMany(entries)
}
