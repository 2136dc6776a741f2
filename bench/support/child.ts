import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A program of the benchmark in a process of its own, which has given its answer. */
export interface Child<Answer> {
  readonly answer: Answer
  /** For those that have more to say to each other. */
  readonly process: ChildProcess
  /** Ends the process. */
  close(): Promise<void>
}

/**
 * Starts a program in a process of its own and waits for its answer.
 *
 * @param program - the path of the file, seen from the folder of the benchmark
 */
export async function openChild<Answer>(
  program: string,
  args: readonly (string | number)[],
): Promise<Child<Answer>> {
  const path = fileURLToPath(new URL(`../${program}`, import.meta.url))
  // Every process can collect garbage before it reads its memory.
  const child = fork(path, args.map(String), { execArgv: ['--expose-gc'] })
  const exited = once(child, 'exit')
  const answered = once(child, 'message').then(([answer]) => answer as Answer)
  const died = exited.then(([code, signal]) => {
    throw new Error(`${program} ended (${code ?? signal}) before it had an answer`)
  })
  return {
    answer: await Promise.race([answered, died]),
    process: child,
    async close() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** Runs a program in a process of its own until it has given its answer. */
export async function runChild<Answer>(
  program: string,
  args: readonly (string | number)[],
): Promise<Answer> {
  const child = await openChild<Answer>(program, args)
  await child.close()
  return child.answer
}
