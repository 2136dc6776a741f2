import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import type { ConditionalWrite, StoreAdapter } from '../../../store/adapter.ts'
import type { StoreCase, StoreTrial } from './with-store.ts'

const RIVALS = 50
const SHORT_MS = 50

/** Writes that are done only if a document is still what its reader has seen. */
export const conditionalCases: readonly StoreCase[] = [
  [
    'writeIf writes when the document is what was expected, and then only',
    onlyIfConditional(async (store, writeIf) => {
      await store.set('a:1', 'one')
      assert.equal(await writeIf(change('a:1', 'two', 'three')), false)
      assert.equal(await store.get('a:1'), 'one')
      assert.equal(await writeIf(change('a:1', 'one', 'two')), true)
      assert.equal(await store.get('a:1'), 'two')
      assert.equal(await writeIf(change('a:1', 'one', 'three')), false)
      await store.delete('a:1')
      assert.equal(await writeIf(change('a:1', 'two', 'three')), false)
      assert.equal(await store.get('a:1'), undefined)
    }),
  ],
  [
    'writeIf makes a document that must not exist yet',
    onlyIfConditional(async (store, writeIf) => {
      assert.equal(await writeIf(change('a:1', undefined, 'one')), true)
      assert.equal(await store.get('a:1'), 'one')
      assert.equal(await writeIf(change('a:1', undefined, 'two')), false)
      assert.equal(await store.get('a:1'), 'one')
    }),
  ],
  [
    'writeIf compares to the letter',
    onlyIfConditional(async (store, writeIf) => {
      await store.set('a:1', '{"value":1}')
      for (const seen of ['{"value": 1}', '{"value":1.0}', '{"VALUE":1}', '']) {
        assert.equal(await writeIf(change('a:1', seen, 'changed')), false)
      }
      await store.set('a:%', 'x')
      assert.equal(await writeIf(change('a:_', 'x', 'changed')), false)
    }),
  ],
  [
    'writeIf sets and deletes other documents with it, all or nothing',
    onlyIfConditional(async (store, writeIf) => {
      await store.set('a:1', 'one')
      await store.set('b:1', 'old')
      await store.set('c:1', 'old')
      const write = {
        set: [
          { key: 'a:2', value: 'new', ttl: 60_000 },
          { key: 'b:1', value: 'new' },
        ],
        delete: ['a:1', 'c:1', 'missing'],
      }
      const read = async () =>
        Promise.all(['a:1', 'a:2', 'b:1', 'c:1'].map(key => store.get(key)))
      const before = ['one', undefined, 'old', 'old']
      const wrong = { ...write, expected: { key: 'a:1', value: 'two' } }
      assert.equal(await writeIf(wrong), false)
      assert.deepEqual(await read(), before)
      const expected = { key: 'a:1', value: 'one' }
      const impossible = [...write.set, { key: 'd:1', value: undefined as never }]
      await assert.rejects(async () => writeIf({ ...write, expected, set: impossible }))
      assert.deepEqual(await read(), before)
      assert.equal(await writeIf({ ...write, expected }), true)
      assert.deepEqual(await read(), [undefined, 'new', 'new', undefined])
      assert.equal(await writeIf({ ...write, expected }), false)
    }),
  ],
  [
    'of many writes at once exactly one wins, and that one is stored',
    onlyIfConditional(async (store, writeIf, another) => {
      const ways = [writeIf, another]
      const keys = ['a:new', 'a:old']
      await store.set('a:old', 'old')
      const rivals = Array.from({ length: RIVALS }, (_, index) => `rival ${index}`)
      for (const key of keys) {
        const seen = key === 'a:old' ? 'old' : undefined
        const answers = await Promise.all(
          rivals.map(async (name, index) => {
            const set = [
              { key, value: name },
              { key: `b:${key}:${name}`, value: 'x' },
            ]
            const write = { expected: { key, value: seen }, set, delete: [] }
            return ways[index % ways.length]?.(write)
          }),
        )
        const winners = rivals.filter((_, index) => answers[index] === true)
        assert.equal(winners.length, 1)
        assert.equal(answers.filter(answer => answer === false).length, RIVALS - 1)
        assert.equal(await store.get(key), winners[0])
        const traces = rivals.map(async name => store.has?.(`b:${key}:${name}`))
        assert.equal((await Promise.all(traces)).filter(Boolean).length, 1)
      }
    }),
  ],
  [
    'counting by writeIf loses no count, whoever else counts',
    onlyIfConditional(async (store, writeIf, another) => {
      await store.set('a:count', '0')
      const add = async (write: WriteIf) => {
        for (let done = 0; done < 10;) {
          const seen = String(await store.get('a:count'))
          if (await write(change('a:count', seen, String(Number(seen) + 1)))) done += 1
        }
      }
      await Promise.all([add(writeIf), add(another), add(writeIf), add(another)])
      assert.equal(await store.get('a:count'), '40')
    }),
  ],
  [
    'a writeIf that does nothing spoils no other write of the turn',
    onlyIfConditional(async (store, writeIf) => {
      await store.set('a:1', 'one')
      const answers = await Promise.all([
        store.set('b:1', 'before'),
        writeIf(change('a:1', 'wrong', 'changed')),
        store.set('b:2', 'after'),
        writeIf(change('a:1', 'one', 'two')),
        writeIf(change('a:1', 'one', 'three')),
        store.delete('b:1'),
      ])
      assert.deepEqual(answers, [true, false, true, true, false, true])
      assert.equal(await store.get('a:1'), 'two')
      assert.equal(await store.get('b:1'), undefined)
      assert.equal(await store.get('b:2'), 'after')
    }),
  ],
  [
    'writeIf has its place among the other writes of the turn',
    onlyIfConditional(async (store, writeIf) => {
      const answers = await Promise.all([
        store.set('a:1', 'one'),
        writeIf(change('a:1', 'one', 'two')),
        writeIf(change('a:1', 'one', 'three')),
        store.delete('a:1'),
        writeIf(change('a:1', undefined, 'four')),
        store.set('a:1', 'five'),
        writeIf({ expected: { key: 'a:1', value: 'four' }, set: [], delete: ['a:1'] }),
      ])
      assert.deepEqual(answers, [true, true, false, true, true, true, false])
      assert.equal(await store.get('a:1'), 'five')
    }),
  ],
  [
    'writeIf takes a document past its time to live for absent',
    onlyIfConditional(async (store, writeIf) => {
      await store.set('a:1', 'one', SHORT_MS)
      await store.set('a:2', 'two', 60_000)
      await sleep(2 * SHORT_MS)
      assert.equal(await writeIf(change('a:1', 'one', 'changed')), false)
      assert.equal(await writeIf(change('a:1', undefined, 'new')), true)
      assert.equal(await store.get('a:1'), 'new')
      assert.equal(await store.has?.('a:1'), true, 'and it lives on')
      assert.equal(await writeIf(change('a:2', undefined, 'new')), false)
      assert.equal(await writeIf(change('a:2', 'two', 'changed')), true)
    }),
  ],
]

type WriteIf = (write: ConditionalWrite) => Promise<boolean>

/** A store without `writeIf` is for one process, and has nothing to show here. */
function onlyIfConditional(
  run: (store: StoreAdapter, writeIf: WriteIf, another: WriteIf) => Promise<void>,
): StoreCase[1] {
  return async ({ store, openAnother }: StoreTrial) => {
    if (store.writeIf === undefined) {
      assert.equal(openAnother, undefined, 'a store for several processes has writeIf')
      return
    }
    const other = (await openAnother?.()) ?? store
    const writeIf: WriteIf = async write => store.writeIf?.(write) ?? false
    const another: WriteIf = async write => other.writeIf?.(write) ?? false
    await run(store, writeIf, another)
  }
}

function change(key: string, seen: string | undefined, value: string): ConditionalWrite {
  return { expected: { key, value: seen }, set: [{ key, value }], delete: [] }
}
