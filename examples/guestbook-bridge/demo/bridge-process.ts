import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url))
const CLI = fileURLToPath(new URL('../../../lib/cli/main.ts', import.meta.url))
const START_MS = 30_000

/** The guestbook bridge in a process of its own. */
export interface BridgeProcess {
  readonly pid: number | undefined
  /** Ends it as a power cut would: at once, whatever it is doing. */
  kill(): Promise<void>
  /** Has it close, and returns its exit code. */
  stop(): Promise<number | null>
}

/** Starts the bridge, and resolves when it is ready. All it writes goes into `logFile`. */
export async function startBridgeProcess(
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<BridgeProcess> {
  const child = run(MAIN, [], env)
  const exited = once(child, 'exit')
  const ready = new Promise<void>(resolve => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        appendFileSync(logFile, chunk)
        if (chunk.includes('guestbook bridge: appservice on')) resolve()
      })
    }
  })
  const timeout = setTimeout(() => child.kill('SIGKILL'), START_MS)
  const isReady = await Promise.race([ready.then(() => true), exited.then(() => false)])
  clearTimeout(timeout)
  if (!isReady) throw new Error('the bridge did not start')
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    pid: child.pid,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}

/** How many requests are in which state, as the command line tells it. */
export async function askStatus(
  dataDir: string,
): Promise<Readonly<Record<string, number>>> {
  const child = run(CLI, ['status', '--json', '--data', dataDir], {})
  let out = ''
  child.stdout?.on('data', chunk => (out += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the command line ended with code ${code}`)
  return (JSON.parse(out) as { counts: Record<string, number> }).counts
}

function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=erasure-source', file, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const killChild = () => void child.kill('SIGKILL')
  // Before the folder it writes to is removed.
  process.prependOnceListener('exit', killChild)
  child.once('exit', () => process.off('exit', killChild))
  return child
}
