import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'

/** Mutants that break promise 7. */
export const bystanders: readonly Mutant[] = [
  {
    what: 'tags fold upper and lower case',
    file: 'lib/user-seal/user-seal.ts',
    replace: 'tag: userId => hmac(userId)',
    by: 'tag: userId => hmac(userId.toLowerCase())',
    tests: [`${P}/bystanders.test.ts`],
  },
  {
    what: 'tags forget the port',
    file: 'lib/user-seal/user-seal.ts',
    replace: 'tag: userId => hmac(userId)',
    by: "tag: userId => hmac(userId.replace(/:\\d+$/, ''))",
    tests: [`${P}/bystanders.test.ts`],
  },
  {
    what: 'ghosts of other servers count as our own',
    file: 'lib/registration/registration.ts',
    replace: '(serverName === undefined || serverNameOf(userId) === serverName)',
    by: '(serverName === undefined || serverNameOf(userId) !== "")',
    tests: ['test/registration/registration.test.ts'],
  },
  {
    what: 'LIKE instead of equality',
    file: 'examples/guestbook-bridge/purge-handlers.ts',
    replace: 'DELETE FROM ${table} WHERE user_id = ?',
    by: 'DELETE FROM ${table} WHERE user_id LIKE ?',
    tests: ['test/examples/guestbook-trial.test.ts'],
  },
]
