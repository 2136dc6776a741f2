import type { Mutant } from './mutant.ts'

/** Mutants that break promise 6. */
export const noZombies: readonly Mutant[] = [
  {
    what: 'the tombstone is written after the 200',
    file: 'lib/store/erasure-store.ts',
    replace:
      '        { key: `tombstone:${request.tag}`, value: request.receivedAt, ttl: tombstoneMs },\n      ]),',
    by: '      ]).then(() => void setTimeout(() => documents.set(`tombstone:${request.tag}`, request.receivedAt, tombstoneMs), 50)),',
    tests: ['test/store/erasure-store.test.ts'],
  },
  {
    what: 'late events pass',
    file: 'lib/doors/bridge/guard.ts',
    replace: "if (!isOwnLeave(event)) return 'drop'",
    by: "if (!isOwnLeave(event)) return 'pass'",
    tests: ['test/doors/bridge/guard.test.ts'],
  },
  {
    what: 'his own leave keeps his profile',
    file: 'lib/doors/bridge/guard.ts',
    replace: "event.content = { membership: 'leave' }",
    by: '',
    tests: ['test/doors/bridge/guard.test.ts'],
  },
  {
    what: 'a dropped event is not resolved',
    file: 'lib/doors/bridge/attach-erasure.ts',
    replace: 'request.resolve(undefined)',
    by: '',
    tests: ['test/doors/bridge/guard.test.ts'],
  },
  {
    what: 'events overtake each other in the guard',
    file: 'lib/doors/bridge/attach-erasure.ts',
    replace: 'const turn = before.then(() => verdict)',
    by: 'const turn = Promise.all([verdict]).then(([only]) => only)',
    tests: ['test/doors/bridge/guard.test.ts'],
  },
]
