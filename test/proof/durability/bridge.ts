import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('bridge-process.ts', import.meta.url))

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
  const { root, log, hold = false, under = [] } = options
  const program = [process.execPath, PROGRAM, root, log, hold ? 'hold' : 'go']
  const [command = '', ...args] = [...under, ...program]
  const child = spawn(command, args, {
    env: environment(options.compileCache),
    stdio: 'pipe',
  })
  // A bridge that was killed reads no more.
  child.stdin.on('error', () => {})
  const port = Promise.race([
    once(child.stdout, 'data').then(([line]) => Number(line)),
    once(child, 'close').then(() => undefined),
  ])
  const ended = watchEnd(child)
  // Whoever waits for it is told; nobody may, after another failure.
  ended.catch(() => {})
  return {
    port,
    ended,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
    finish: () => void child.stdin.write('finish\n'),
  }
}

/** Without what tap puts into its children: it handles signals and slows the start. */
function environment(compileCache: string): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...rest } = process.env
  return { ...rest, NODE_COMPILE_CACHE: compileCache }
}

/** What tracer.py ends with when the program it ran was killed. */
const EXIT_KILLED = 98

async function watchEnd(child: ChildProcess): Promise<'killed' | 'finished'> {
  let errors = ''
  child.stderr?.on('data', chunk => (errors += String(chunk)))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code === 0) return 'finished'
  if (code === EXIT_KILLED || signal === 'SIGKILL') return 'killed'
  throw new Error(`The bridge ended with ${code ?? signal}:\n${errors}`)
}
