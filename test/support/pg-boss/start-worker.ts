import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import type { Test } from 'tap'

import { until } from '../until.ts'

/** A scheduler in a process of its own. */
export interface Worker {
  readonly process: ChildProcess
  readonly lines: readonly string[]
  /** Resolves once it has printed `line`. */
  printed(line: string): Promise<void>
}

/** Starts one; it is killed at the end of the test. */
export function startWorker(
  t: Pick<Test, 'teardown'>,
  connectionString: string,
  schema: string,
): Worker {
  const child = spawn(
    process.execPath,
    [
      '--conditions=erasure-source',
      new URL('worker.ts', import.meta.url).pathname,
      connectionString,
      schema,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines: string[] = []
  createInterface({ input: child.stdout }).on('line', line => lines.push(line))
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    process: child,
    lines,
    printed: line => until(`a worker printed ${line}`, () => lines.includes(line)),
  }
}
