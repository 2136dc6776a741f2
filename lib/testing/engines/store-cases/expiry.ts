import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { Keyv } from 'keyv'

import type { StoreCase } from './with-store.ts'

const SHORT_MS = 50
const LONG_MS = 60_000
/** A store on another machine has another clock. */
const PATIENCE_MS = 10_000

/** Documents with a time to live. */
export const expiryCases: readonly StoreCase[] = [
  [
    'what is past its time to live is not there any more, everything else is',
    async ({ store }) => {
      const keyv = new Keyv({ store, namespace: 'ns', throwOnErrors: true })
      await keyv.set('short', 1, SHORT_MS)
      await keyv.set('long', 2, LONG_MS)
      await keyv.set('for ever', 3)
      assert.equal(await keyv.get('long'), 2)
      await until(async () => !(await keyv.has('short')))
      assert.equal(await keyv.get('short'), undefined)
      assert.equal(await keyv.get('long'), 2)
      assert.equal(await keyv.has('long'), true)
      assert.equal(await keyv.get('for ever'), 3)
    },
  ],
  [
    'written again, a document lives as long as it was last told',
    async ({ store }) => {
      const keyv = new Keyv({ store, namespace: 'ns', throwOnErrors: true })
      await keyv.set('longer', 1, SHORT_MS)
      await keyv.set('longer', 2, LONG_MS)
      await keyv.set('for ever', 1, SHORT_MS)
      await keyv.set('for ever', 2)
      await keyv.set('shorter', 1, LONG_MS)
      await keyv.set('shorter', 2, SHORT_MS)
      await until(async () => !(await keyv.has('shorter')))
      assert.equal(await keyv.has('longer'), true)
      assert.equal(await keyv.has('for ever'), true)
    },
  ],
  [
    'no time at all is no time, and a part of a millisecond is a time',
    async ({ store }) => {
      for (const ttl of [0, -1, -0.5]) {
        await store.set('ns:a', 'before')
        await store.set('ns:a', 'none', ttl)
        await store.setMany?.([{ key: 'ns:b', value: 'none', ttl }])
        await until(
          async () => !(await store.has?.('ns:a')) && !(await store.has?.('ns:b')),
        )
      }
      await store.set('ns:a', 'part', LONG_MS + 0.5)
      await store.setMany?.([{ key: 'ns:b', value: 'part', ttl: LONG_MS + 0.5 }])
      assert.equal(await store.get('ns:a'), 'part')
      assert.equal(await store.get('ns:b'), 'part')
      await store.set('ns:a', 'part', 0.4)
      await until(async () => !(await store.has?.('ns:a')))
    },
  ],
]

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, 'it is gone in the end')
    await sleep(SHORT_MS)
  }
}
