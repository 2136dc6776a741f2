import assert from 'node:assert/strict'

import type { StoreCase } from './with-store.ts'

const ODD_KEYS = [
  '%',
  '_',
  'a%b_c',
  String.raw`back\slash`,
  String.raw`\\`,
  "it's",
  'a "quoted" key',
  'a;b--c/*d*/',
  '$1',
  '{a,b}',
  'NULL',
  'ümläut',
  '語',
  '👋🏽',
  'e\u0301',
  '\u00e9',
  ' leading and trailing ',
  'line\nbreak\ttab\r',
  'case',
  'CASE',
  'k'.repeat(500),
]

const ODD_VALUES = [
  '',
  'null',
  String.raw`{"value":"\u0000\ud800","expires":null}`,
  String.raw`{"value":"\\u0000 \\ \" ' %s $1"}`,
  '{"value":{"a":1.10,"b":  [ ],"a":2}}',
  '{"value":"👋🏽 語 e\u0301"}',
]

const LARGE_BYTES = 100_000

/** One document at a time. */
export const documentCases: readonly StoreCase[] = [
  [
    'it says that it is durable, and where it is, without a secret',
    async ({ store }) => {
      assert.equal(store.durable, true)
      const { location } = store
      assert.equal(typeof location, 'string')
      assert.notEqual(location, '')
      assert.doesNotMatch(String(location), /:\/\/[^/]*:[^/]*@|password=/)
    },
  ],
  [
    'set, get, has and delete answer what is so',
    async ({ store }) => {
      assert.equal(await store.get('a:1'), undefined)
      assert.equal(await store.has?.('a:1'), false)
      assert.equal(await store.delete('a:1'), false)
      assert.equal(await store.set('a:1', 'one'), true)
      assert.equal(await store.get('a:1'), 'one')
      assert.equal(await store.has?.('a:1'), true)
      assert.equal(await store.get('a:2'), undefined)
      assert.equal(await store.set('a:1', 'two'), true)
      assert.equal(await store.get('a:1'), 'two')
      assert.equal(await store.delete('a:1'), true)
      assert.equal(await store.delete('a:1'), false)
      assert.equal(await store.get('a:1'), undefined)
      assert.equal(await store.has?.('a:1'), false)
    },
  ],
  [
    'keys are exact: odd characters, upper and lower case, and long ones are told apart',
    async ({ store }) => {
      for (const key of ODD_KEYS) await store.set(`odd:${key}`, `value of ${key}`)
      for (const key of ODD_KEYS) {
        assert.equal(await store.get(`odd:${key}`), `value of ${key}`)
        assert.equal(await store.has?.(`odd:${key}`), true)
      }
      for (const [index, key] of ODD_KEYS.entries()) {
        assert.equal(await store.delete(`odd:${key}`), true)
        const left = await Promise.all(
          ODD_KEYS.map(async other => store.has?.(`odd:${other}`)),
        )
        assert.equal(left.filter(Boolean).length, ODD_KEYS.length - index - 1, key)
      }
    },
  ],
  [
    'values come back to the letter, large ones too',
    async ({ store }) => {
      const large = JSON.stringify({ value: 'ü'.repeat(LARGE_BYTES / 2) })
      const values = [...ODD_VALUES, large, JSON.stringify({ value: large })]
      await Promise.all(values.map((value, index) => store.set(`v:${index}`, value)))
      for (const [index, value] of values.entries()) {
        assert.equal(await store.get(`v:${index}`), value)
      }
    },
  ],
]
