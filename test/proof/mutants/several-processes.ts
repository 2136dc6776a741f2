import type { Mutant } from './mutant.ts'

const P = 'test/proof/promises'
const STORE = 'test/store/postgres'
const BOSS = 'test/schedule/pg-boss'

/** Mutants that break what several processes rely on. */
export const severalProcesses: readonly Mutant[] = [
  {
    what: 'work goes on after its lease is over',
    file: 'lib/engines/postgres/queue/lease.ts',
    replace: 'elapsedMs(this.#renewedAt) >= this.claim.leaseMs * OVER_SHARE',
    by: 'elapsedMs(this.#renewedAt) >= this.claim.leaseMs * 1e6',
    tests: [`${BOSS}/processes.test.ts`, `${P}/several-processes.test.ts`],
  },
  {
    what: 'who was stopped between two steps begins another',
    file: 'lib/purge/carry-out.ts',
    replace: ' && context.isOurs()',
    by: '',
    tests: ['test/purge/fencing.test.ts'],
  },
  {
    what: 'a lease is not renewed',
    file: 'lib/engines/postgres/queue/lease.ts',
    replace: 'return elapsedMs(this.#renewedAt) >= this.claim.leaseMs * RENEW_SHARE',
    by: 'return false',
    tests: [`${BOSS}/processes.test.ts`, `${P}/several-processes.test.ts`],
  },
  {
    what: 'who has lost an entry settles it all the same',
    file: 'lib/engines/postgres/queue/queue-statements.ts',
    replace: "AND j.state = 'active' AND j.retry_count = g.attempt",
    by: "AND (j.state = 'active' OR j.retry_count = g.attempt)",
    tests: [`${BOSS}/request-queue.test.ts`],
  },
  {
    what: 'several processes work on requests of one user',
    file: 'lib/engines/postgres/queue/start-boss.ts',
    replace: "policy: 'singleton'",
    by: "policy: 'standard'",
    tests: [`${BOSS}/request-queue.test.ts`, `${BOSS}/conformance.test.ts`],
  },
  {
    what: 'finished requests stay in the queue',
    file: 'lib/engines/postgres/queue/queue-statements.ts',
    replace: '      DELETE FROM ${job} j USING held\n',
    by: "      UPDATE ${job} j SET state = 'completed' FROM held\n",
    tests: [`${BOSS}/request-queue.test.ts`],
  },
  {
    what: 'a condition is judged by the snapshot',
    file: 'lib/engines/postgres/store/change-statement.ts',
    replace: '      ORDER BY key FOR UPDATE\n',
    by: '      ORDER BY key\n',
    tests: [`${STORE}/conformance.test.ts`, `${STORE}/concurrent-writes.test.ts`],
  },
  {
    what: 'a condition holds for a document past its time to live',
    file: 'lib/engines/postgres/store/change-statement.ts',
    replace: '      WHERE expires IS NULL OR expires > ${NOW}\n',
    by: '',
    tests: [`${STORE}/conformance.test.ts`],
  },
  {
    what: 'writes of one document overtake each other',
    file: 'lib/engines/postgres/store/writes.ts',
    replace: '      ...write.set.map(({ key }) => key),\n',
    by: '',
    tests: [
      `${STORE}/conformance.test.ts`,
      'test/engines/postgres/connection/batches.test.ts',
    ],
  },
  {
    what: 'a commit that is not on disk is believed',
    file: 'lib/engines/postgres/connection/session.ts',
    replace: "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END",
    by: "WHEN 'remote_apply' THEN 'remote_apply' ELSE current_setting('synchronous_commit') END",
    tests: ['test/engines/postgres/connection/database.test.ts'],
  },
  {
    what: 'a server without fsync is believed',
    file: 'lib/engines/postgres/store/migrate.ts',
    replace: "if (rows[0]?.fsync === 'on') return",
    by: 'if (rows.length > 0) return',
    tests: [`${STORE}/volatile-server.test.ts`],
  },
  {
    what: 'each host goes by its own clock',
    file: 'lib/engines/postgres/connection/database-clock.ts',
    replace: 'return now + offsetMs',
    by: 'return now',
    tests: ['test/engines/postgres/connection/database-clock.test.ts'],
  },
  {
    what: 'processes that come first at once do not wait for each other',
    file: 'lib/engines/postgres/store/migrate.ts',
    replace:
      "await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, schema])",
    by: 'void LOCK',
    tests: [`${STORE}/migrate.test.ts`, `${STORE}/conformance.test.ts`],
  },
  {
    what: 'a newer schema is misread',
    file: 'lib/engines/postgres/store/migrate.ts',
    replace: 'if (version > migrations.length) throw foreign(location, schema, NEWER)',
    by: '',
    tests: [`${STORE}/migrate.test.ts`],
  },
  {
    what: 'a process with another key is let in',
    file: 'lib/core/create-erasure.ts',
    replace: 'if ((known ?? (await documents.keyCheck())) === seal.keyCheck) return seal',
    by: "if (known !== '') return seal",
    tests: [`${P}/rolling-upgrade.test.ts`],
  },
  {
    what: 'a handler that only the other version has counts as done',
    file: 'lib/request/bring-up-to-date.ts',
    replace: '      handlers[name] = missing(progress, now)',
    by: '      delete handlers[name]',
    tests: [`${P}/rolling-upgrade.test.ts`],
  },
  {
    what: 'the user is written beside his seal',
    file: 'lib/core/create-erasure.ts',
    replace: '{ id, tag, sealed, receivedAt, turn: 0, handlers: {} }',
    by: '{ id, tag, sealed, receivedAt, turn: 0, handlers: {}, ...{ note: userId } }',
    tests: [`${P}/leave-nothing-postgres.test.ts`],
  },
  {
    what: 'the queue is told the user and not his tag',
    file: 'lib/core/create-erasure.ts',
    replace: 'void this.#sweep.schedule(request, receivedAt)',
    by: 'void this.#sweep.schedule({ ...request, tag: userId }, receivedAt)',
    tests: [`${P}/leave-nothing-postgres.test.ts`],
  },
]
