// Keyv's own published suite for storage adapters, unchanged. Its runner (vitest) and a native
// database it would compile (sqlite3) are left out by npm overrides: the suite's code only needs
// an object with `it`, `beforeEach` and `afterEach`, and matchers, which are tap's here.
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import { Keyv } from 'keyv'
import type { Test } from 'tap'

import type { StoreAdapter } from '../../lib/store/adapter.ts'

type Body = (context: { expect: ReturnType<typeof expectWith> }) => unknown

function expectWith(test: Test) {
  const matchers = (value: unknown) => ({
    toBe: (wanted: unknown) => test.equal(value, wanted),
    toEqual: (wanted: unknown) => test.same(value, wanted),
    toBeTruthy: () => test.ok(value),
    toBeFalsy: () => test.notOk(value),
    toBeNull: () => test.equal(value, null),
    toBeUndefined: () => test.equal(value, undefined),
    toBeDefined: () => test.not(value, undefined),
  })
  return Object.assign(matchers, { assertions: (count: number) => test.plan(count) })
}

/** Makes a subtest of each case of the suite. */
export function runKeyvSuite(t: Test, adapter: StoreAdapter): void {
  let before: Array<() => unknown> = []
  let after: Array<() => unknown> = []
  let count = 0
  const shim = {
    beforeEach: (hook: () => unknown) => void before.push(hook),
    afterEach: (hook: () => unknown) => void after.push(hook),
    it: (title: string, body: Body) => {
      count += 1
      const hooks = { before, after }
      void t.test(title, async test => {
        for (const hook of hooks.before) await hook()
        await body({ expect: expectWith(test) })
        for (const hook of hooks.after) await hook()
      })
    },
  }
  // Every Keyv sets its own namespace on the adapter it is given: one store, many views of it.
  const view = () => Object.create(adapter)
  keyvTestSuite(shim as never, Keyv as never, view as never)
  before = []
  after = []
  keyvIteratorTests(shim as never, Keyv as never, view as never)
  t.equal(count, 42, 'no case is left out')
}
