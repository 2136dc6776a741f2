import assert from 'node:assert/strict'

import type { StoreAdapter } from '../../../store/adapter.ts'
import type { StoreCase } from './with-store.ts'

/** Some pages of any size. */
const ROWS = 2500

/** Walking over documents of one kind. */
export const iterationCases: readonly StoreCase[] = [
  [
    'iterating finds the keys below a prefix, and none that only begins like it',
    async ({ store }) => {
      const others = [
        'ns:request',
        'ns:requests:1',
        'ns:reques',
        'ns:requestA',
        'ns:request;1',
        'ns:REQUEST:1',
        'ns2:request:1',
        'request:1',
        'ns:reqüest:1',
        'ns:record:1',
      ]
      const ours = ['ns:request:1', 'ns:request:ü', 'ns:request:%']
      for (const key of [...others, ...ours]) await store.set(key, key)
      assert.deepEqual((await keysBelow(store, 'ns:request')).toSorted(), ours.toSorted())
      assert.deepEqual(await keysBelow(store, 'ns:reques%'), [])
      assert.deepEqual(await keysBelow(store, 'ns_request'), [])
      assert.equal((await keysBelow(store, 'ns')).length, others.length + ours.length - 2)
    },
  ],
  [
    'iterating goes in the order of the bytes of the keys',
    async ({ store }) => {
      const keys = ['B', 'a', 'A', 'b-1', 'b1', 'b_1', 'Z', '-', '0', '10', '9', 'é', 'z']
      await Promise.all(keys.map(key => store.set(`ns:${key}`, key)))
      const sorted = keys.toSorted((a, b) =>
        Buffer.compare(Buffer.from(a), Buffer.from(b)),
      )
      assert.deepEqual(
        await keysBelow(store, 'ns'),
        sorted.map(key => `ns:${key}`),
      )
    },
  ],
  [
    'clearing takes one namespace, and without one iterating and clearing take all',
    async ({ store }) => {
      for (const key of ['ns:1', 'ns:2', 'ns2:1', 'n']) await store.set(key, key)
      store.namespace = 'ns'
      await store.clear()
      store.namespace = undefined
      assert.deepEqual(await keysBelow(store), ['n', 'ns2:1'])
      await store.clear()
      assert.deepEqual(await keysBelow(store), [])
    },
  ],
  [
    'iterating finds all of many pages, with their values',
    async ({ store }) => {
      const keys = await fill(store)
      const seen: Array<readonly [unknown, unknown]> = []
      for await (const [key, value] of iterate(store, 'ns')) seen.push([key, value])
      assert.deepEqual(
        seen,
        keys.map(key => [key, `value of ${key}`]),
      )
    },
  ],
  [
    'rows deleted, changed and added while iterating shift no others',
    async ({ store }) => {
      const keys = await fill(store)
      const seen: string[] = []
      for await (const [key] of iterate(store, 'ns')) {
        seen.push(String(key))
        await store.delete(String(key))
        if (seen.length % 100 === 0) await store.set('ns:!added before', 'x')
        if (seen.length === 10) await store.set(keys[ROWS - 1] ?? '', 'changed')
      }
      assert.deepEqual(seen, keys)
      assert.deepEqual(await keysBelow(store, 'ns'), ['ns:!added before'])
    },
  ],
  [
    'a caller that stops iterating early holds nothing up',
    async ({ store }) => {
      const [first] = await fill(store)
      for (let round = 0; round < 30; round += 1) {
        for await (const [key] of iterate(store, 'ns')) {
          assert.equal(key, first)
          break
        }
      }
      assert.equal(await store.delete(first ?? ''), true)
      assert.equal((await keysBelow(store, 'ns')).length, ROWS - 1)
    },
  ],
]

async function fill(store: StoreAdapter): Promise<string[]> {
  const keys = Array.from(
    { length: ROWS },
    (_, row) => `ns:${String(row).padStart(6, '0')}`,
  )
  await store.setMany?.(keys.map(key => ({ key, value: `value of ${key}` })))
  return keys
}

function iterate(store: StoreAdapter, namespace?: string): AsyncIterable<unknown[]> {
  assert.ok(store.iterator, 'it has an iterator')
  return store.iterator(namespace)
}

async function keysBelow(store: StoreAdapter, namespace?: string): Promise<string[]> {
  const keys: string[] = []
  for await (const [key] of iterate(store, namespace)) keys.push(String(key))
  return keys
}
