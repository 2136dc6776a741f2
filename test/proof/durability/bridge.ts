import { type Ended, startProgram } from '../../support/program.ts'

const PROGRAM = 'test/proof/durability/bridge-process.ts'

/** Where a bridge lives, and how it is started. */
export interface BridgeOptions {
  /** The SDK's files are below it. */
  readonly root: string
  /** Of whom it was told to purge. */
  readonly log: string
  /** Its purges never end. */
  readonly hold?: boolean
  /** What Node keeps of compiled sources, which halves the time a start takes. */
  readonly compileCache: string
  /** A program to run it under, with its arguments. */
  readonly under?: readonly string[]
}

/** A bridge in a process of its own. */
export interface Bridge {
  /** The port it listens on; `undefined` if it ended before it did. */
  readonly port: Promise<number | undefined>
  /** How the process ended; rejects if in an error of its own. */
  readonly ended: Promise<'killed' | 'finished'>
  kill(signal?: NodeJS.Signals): void
  /** Has it run everything to the end, and close. */
  finish(): void
}

/** Starts the program that is killed. */
export function startBridge(options: BridgeOptions): Bridge {
  const { root, log, hold = false, under = [], compileCache } = options
  const program = startProgram(PROGRAM, [root, log, hold ? 'hold' : 'go'], {
    under,
    env: { NODE_COMPILE_CACHE: compileCache },
  })
  const ended = program.ended.then(howItEnded)
  // The caller is told when it waits for the end; it may not, after another failure.
  ended.catch(() => {})
  return {
    port: program.printed(/^\d+$/).then(Number, () => undefined),
    ended,
    kill: signal => void program.process.kill(signal ?? 'SIGKILL'),
    finish: () => void program.process.stdin.write('finish\n'),
  }
}

/** What tracer.py ends with when the program it ran was killed. */
const EXIT_KILLED = 98

function howItEnded({ code, signal, stderr }: Ended): 'killed' | 'finished' {
  if (code === 0) return 'finished'
  if (code === EXIT_KILLED || signal === 'SIGKILL') return 'killed'
  throw new Error(`The bridge ended with ${code ?? signal}:\n${stderr}`)
}
