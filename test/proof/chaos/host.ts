import { createInterface } from 'node:readline'

import { type Program, startCommand } from '../../support/program.ts'
import { type Call, type Interval, monotonic, readJournal } from './journal.ts'
import { type Proxy, startProxy } from './proxy.ts'

/** The same on every host. */
export const CHAOS_KEY: Buffer = Buffer.alloc(32, 7)

/** What a process is told. */
export interface ProcessOptions {
  readonly connectionString: string
  readonly folder: string
  readonly journal: string
  readonly leaseMs: number
  readonly concurrency: number
}

/** What a host is given; each of its processes has a journal of its own. */
export interface HostOptions extends Omit<ProcessOptions, 'journal'> {
  readonly name: string
  /** How wrong its clock is. */
  readonly clockShiftMs: number
  /** What Node keeps of compiled sources, which halves the time a start takes. */
  readonly compileCache: string
}

/** One process, from its start to its death. */
export interface Life {
  readonly journal: string
  readonly host: string
  readonly stops: Interval[]
  /** When it was dead for certain. */
  diedAt?: number
  /** It was running, and nobody killed it. */
  crashed?: boolean
}

/**
 * Ends the process when nobody holds the standard input any more, also while it is stopped. Without
 * NODE_OPTIONS, by which tap gets into every Node process that is started below it.
 */
const SCRIPT = `
  unset NODE_OPTIONS NODE_V8_COVERAGE
  exec 3<&0
  "$0" "$@" &
  pid=$!
  echo "pid $pid"
  { cat <&3 > /dev/null; kill -KILL $pid; } > /dev/null 2>&1 &
  wait $pid
`
const PROGRAM = 'test/proof/chaos/process.ts'
/** How long a process may take to start, on a machine that is busy. */
const START_MS = 60_000

/** A host: a process that is started again and again, and its line to the database. */
export class Host {
  readonly name: string
  readonly proxy: Proxy
  readonly lives: Life[] = []
  /** What its processes had to say. */
  readonly lines: string[] = []
  /** Where it listens; `undefined` while it does not. */
  port: number | undefined
  readonly #options: HostOptions
  #child: Program | undefined
  #exited: Promise<void> = Promise.resolve()
  #pid = 0
  #onStopping = () => {}

  constructor(options: HostOptions, proxy: Proxy) {
    this.name = options.name
    this.proxy = proxy
    this.#options = options
  }

  get isRunning(): boolean {
    return this.port !== undefined
  }

  /** Calls that its process is in. */
  openCalls(): Call[] {
    const life = this.lives.at(-1)
    if (life === undefined || life.diedAt !== undefined) return []
    return readJournal(life.journal).calls.filter(({ end }) => end === undefined)
  }

  /** Starts a process; resolves when it listens. */
  async start(): Promise<void> {
    const { clockShiftMs, compileCache, connectionString, ...rest } = this.#options
    const journal = `${rest.folder}/../${this.name}-${this.lives.length}.journal`
    const url = new URL(connectionString)
    url.port = String(this.proxy.port)
    const told = { ...rest, connectionString: url.href, journal }
    const args = ['--conditions=erasure-source', PROGRAM, JSON.stringify(told)]
    const child = startCommand(['sh', '-c', SCRIPT, process.execPath, ...args], {
      env: {
        CHAOS_CLOCK_SHIFT_MS: String(clockShiftMs),
        NODE_COMPILE_CACHE: compileCache,
      },
    })
    this.#child = child
    const life: Life = { journal, host: this.name, stops: [] }
    this.lives.push(life)
    this.#exited = this.#watchEnd(child, life)
    await this.#listen(child)
  }

  async #watchEnd(child: Program, life: Life): Promise<void> {
    await child.ended
    life.diedAt = monotonic()
    // Whoever kills it says so first; and one that finds no database does not start.
    life.crashed = this.#child === child && this.port !== undefined
    if (life.crashed) this.port = undefined
  }

  async #listen(child: Program): Promise<void> {
    const started = Promise.withResolvers<void>()
    const take = (line: string) => {
      const [word, value] = line.split(' ')
      if (word === 'pid') this.#pid = Number(value)
      else if (word === 'port') {
        this.port = Number(value)
        started.resolve()
      } else if (word === 'stopping') this.#onStopping()
      else this.lines.push(line)
    }
    for (const stream of [child.process.stdout, child.process.stderr])
      createInterface({ input: stream }).on('line', take)
    void child.ended.then(() =>
      started.reject(new Error(`${this.name} has ended by itself`)),
    )
    const timer = setTimeout(
      () => started.reject(new Error(`${this.name} does not start`)),
      START_MS,
    )
    try {
      await started.promise
    } catch (error) {
      throw new Error(`${String(error)}:\n${this.lines.slice(-30).join('\n')}`, {
        cause: error,
      })
    } finally {
      clearTimeout(timer)
    }
  }

  /** SIGKILL. Resolves when it is dead, with the moment in which it was killed. */
  async kill(): Promise<number> {
    const child = this.#child
    const killedAt = monotonic()
    this.#child = undefined
    this.port = undefined
    child?.process.stdin.end()
    await this.#exited
    return killedAt
  }

  /** SIGSTOP, and SIGCONT after a while. */
  async stop(ms: number): Promise<Interval> {
    const interval = { begin: monotonic(), end: Infinity }
    this.lives.at(-1)?.stops.push(interval)
    const stopping = new Promise<void>(resolve => (this.#onStopping = resolve))
    process.kill(this.#pid, 'SIGUSR2')
    await Promise.race([stopping, this.#exited])
    await new Promise(resolve => setTimeout(resolve, ms))
    // From before it goes on.
    interval.end = monotonic()
    process.kill(this.#pid, 'SIGCONT')
    return interval
  }

  async remove(): Promise<void> {
    await this.kill()
    await this.proxy.close()
  }
}

/** Makes a host with a line of its own to the database; its process is not started yet. */
export async function makeHost(options: HostOptions): Promise<Host> {
  const port = Number(new URL(options.connectionString).port)
  return new Host(options, await startProxy(port))
}
