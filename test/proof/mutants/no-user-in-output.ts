import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 5. */
export const noUserInOutput: readonly Mutant[] = [
  {
    what: 'handlers log to the bare logger',
    file: 'lib/purge/call-handler.ts',
    replace: 'log: redactingLogger(log, redact)',
    by: 'log',
    tests: [`${P}/no-user-in-output.test.ts`],
  },
  {
    what: 'what a handler throws is logged',
    file: 'lib/purge/describe-error.ts',
    replace: '    if (!(error instanceof Error)) return { thrown: typeof error }',
    by: '    if (!(error instanceof Error)) return { thrown: String(error) }',
    tests: ['test/purge/call-handler.test.ts'],
  },
  {
    what: 'only the plain user ID is redacted',
    file: 'lib/matrix/user-id-forms.ts',
    replace: "return new RegExp(texts.join('|') + word, 'giu')",
    by: "void word, texts\n  return new RegExp(escapeRegExp(userId), 'gu')",
    tests: [`${P}/no-user-in-output.test.ts`],
  },
  {
    what: 'an error repeats the user ID',
    file: 'lib/matrix/user-id.ts',
    replace: "'Not a user ID: expected",
    by: "value + ' is not a user ID: expected",
    tests: ['test/matrix/user-id.test.ts'],
  },
  {
    what: 'an answer repeats the user ID',
    file: 'lib/matrix/erase-body.ts',
    replace: "error: 'The property user_id is not a user ID' }",
    by: 'error: `The property user_id is not a user ID: ${value}` }',
    tests: [`${P}/hostile-input.test.ts`],
  },
  {
    what: 'an answer repeats the token',
    file: 'lib/doors/http/receive.ts',
    replace: "'The hs_token is wrong'",
    by: '`The hs_token is wrong: ${sent.authorization[0]}`',
    tests: [`${P}/hostile-input.test.ts`],
  },
]
