import type { Test } from 'tap'

import { type Program, startProgram } from '../program.ts'

/** Starts a scheduler in a process of its own; it is killed at the end of the test. */
export function startWorker(
  t: Pick<Test, 'teardown'>,
  connectionString: string,
  schema: string,
): Program {
  const program = startProgram('test/support/pg-boss/worker.ts', [
    connectionString,
    schema,
  ])
  t.teardown(() => program.end())
  return program
}
