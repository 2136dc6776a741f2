import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 4. */
export const leaveNothing: readonly Mutant[] = [
  {
    what: 'deleted rows are not overwritten',
    file: 'lib/engines/sqlite/open-database.ts',
    replace: 'PRAGMA secure_delete = ON;',
    by: 'PRAGMA secure_delete = OFF;',
    tests: ['test/engines/sqlite/sqlite-store.test.ts'],
  },
  {
    what: 'the write-ahead log is not truncated',
    file: 'lib/store/erasure-store.ts',
    replace: 'await adapter.forget?.(signal)',
    by: 'void signal',
    tests: [`${P}/leave-nothing.test.ts`],
  },
  {
    what: 'a checkpoint that was busy counts as done',
    file: 'lib/engines/sqlite/checkpoint.ts',
    replace: 'if (busy !== 0) return false',
    by: 'if (busy !== 0) return true',
    tests: ['test/engines/sqlite/sqlite-store.test.ts'],
  },
  {
    what: 'the user is stored as he is',
    file: 'lib/core/create-erasure.ts',
    replace:
      'const request: OpenRequest = { id, tag, sealed, receivedAt, turn: 0, handlers: {} }',
    by: 'const request = { id, tag, sealed, receivedAt, handlers: {}, userId } as OpenRequest',
    tests: [`${P}/leave-nothing.test.ts`],
  },
  {
    what: 'the cursor is stored as it is',
    file: 'lib/purge/take-step.ts',
    replace: 'seal.seal(outcome.more, binding)',
    by: 'outcome.more',
    tests: [`${P}/leave-nothing.test.ts`],
  },
  {
    what: 'plain user ID in a stored error',
    file: 'lib/purge/take-step.ts',
    replace:
      "if (typeof outcome === 'string') return failed(before, outcome, handler.retry, now)\n  const stalled",
    by: "if (typeof outcome === 'string') return failed(before, `${outcome} ${taking.subject.userId}` as never, handler.retry, now)\n  const stalled",
    tests: [`${P}/leave-nothing.test.ts`],
  },
  {
    what: 'a sealed value opens for another request',
    file: 'lib/user-seal/user-seal.ts',
    replace: '  cipher.setAAD(Buffer.from(binding))\n  const parts',
    by: '  cipher.setAAD(Buffer.from(binding.slice(0, 0)))\n  const parts',
    tests: ['test/user-seal/user-seal.test.ts'],
  },
]
