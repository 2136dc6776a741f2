import t from 'tap'

import { openTestDatabase } from '../support/postgres/open-database.ts'
import { startProgram } from '../support/program.ts'

/** How much faster the clock of the processes runs, so that a lease of 30 s lasts 10. */
const SPEED = 3

t.test('when the process that watches is killed, another one takes over', async t => {
  const { connectionString } = await openTestDatabase(t)
  const begin = String(Date.now())
  const open = (users: string) =>
    startProgram('test/support/watch-process.ts', [
      connectionString,
      begin,
      String(SPEED),
      users,
    ])
  const first = open('@bob:example.org')
  t.teardown(() => first.end())
  await first.printed(/^watching began$/)
  await first.printed(/^accepted$/)
  const second = open('@bob:example.org,@carol:example.org')
  t.teardown(() => second.end())
  await second.printed(/^started$/)
  // Had it been stopped for longer than its lease, it would have said so.
  const wasAlone = !first.lines.includes('watching ended')
  t.equal(second.lines.includes('watching began'), !wasAlone)
  await first.end('SIGKILL')
  await second.printed(/^watching began$/)
  await second.printed(/^accepted$/)
  const accepted = [...first.lines, ...second.lines].filter(line => line === 'accepted')
  t.equal(accepted.length, 2, 'each erasure once')
})
