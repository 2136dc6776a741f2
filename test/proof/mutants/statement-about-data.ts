import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 3. */
export const statementAboutData: readonly Mutant[] = [
  {
    what: '`every` over no handlers',
    file: 'lib/purge/handler-plan.ts',
    replace: 'if (handlers.length === 0) {',
    by: 'if (handlers.length < 0) {',
    tests: [`${P}/statement-about-data.test.ts`],
  },
  {
    what: 'verified once instead of twice',
    file: 'lib/request/transitions.ts',
    replace: 'handler.verify && !progressOf(request, name).confirmed',
    by: 'handler.verify && progressOf(request, name).settledAt === undefined',
    tests: [`${P}/statement-about-data.test.ts`],
  },
  {
    what: 'the second verification does not wait',
    file: 'lib/request/transitions.ts',
    replace: 'const settledUntil = lastSettledAt + settleMs',
    by: 'const settledUntil = lastSettledAt + settleMs * 0',
    tests: [`${P}/statement-about-data.test.ts`],
  },
  {
    what: 'what verify answers is not checked',
    file: 'lib/purge/call-handler.ts',
    replace: "return isCount(ended.value) ? ended.value : 'VERIFY_INVALID'",
    by: 'return (isCount(ended.value) ? ended.value : 0) as number',
    tests: [`${P}/statement-about-data.test.ts`],
  },
  {
    what: 'a purge that throws counts as done',
    file: 'lib/purge/call-handler.ts',
    replace: "first.resolve({ how: 'FAILED' })",
    by: "first.resolve({ how: 'returned', value: undefined })",
    tests: [`${P}/statement-about-data.test.ts`],
  },
  {
    what: 'what comes back confirms the others',
    file: 'lib/purge/take-step.ts',
    replace: 'handlers[other] = { ...progress, confirmed: false }',
    by: 'handlers[other] = progress',
    tests: ['test/purge/carry-out.test.ts', `${P}/nothing-stalls.test.ts`],
  },
  {
    what: "purge's own query used as verify",
    file: 'examples/guestbook-bridge/purge-handlers.ts',
    replace:
      "const rows = all.all(receivedAt.getTime())\n      return rows.filter(row => row['user_id'] === userId).length",
    by: 'return rooms.all(userId, receivedAt.getTime()).length',
    tests: ['test/examples/guestbook-verify.test.ts'],
  },
]
