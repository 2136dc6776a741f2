import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 8. */
export const atLeastOnce: readonly Mutant[] = [
  {
    what: 'a slice is noted before it is done',
    file: 'lib/purge/take-step.ts',
    replace: 'const outcome = await runPurge(handler, taking, slice)',
    by: 'await taking.store.save({ ...request, handlers: { ...request.handlers, [handler.name]: { ...before, purged: true, settledAt: clock.now() } } }, request)\n  const outcome = await runPurge(handler, taking, slice)',
    tests: [`${P}/at-least-once.test.ts`],
  },
  {
    what: 'a save is not conditional',
    file: 'lib/store/erasure-store.ts',
    replace:
      '      changeLast(previous, { set: { key: `request:${next.id}`, value: next } }),',
    by: '      void previous ?? documents.set(`request:${next.id}`, next),',
    tests: ['test/purge/fencing.test.ts'],
  },
  {
    what: 'begin does not count the turn',
    file: 'lib/purge/load-request.ts',
    replace: 'turn: (stored.turn ?? 0) + 1',
    by: 'turn: stored.turn ?? 0',
    tests: ['test/purge/fencing.test.ts'],
  },
  {
    what: 'testPurgeHandler does not run the handler twice',
    file: 'lib/testing/handlers/test-purge-handler.ts',
    replace: "const again = await trial.purge('On a second run')",
    by: 'const again = run',
    tests: [`${P}/at-least-once.test.ts`],
  },
]
