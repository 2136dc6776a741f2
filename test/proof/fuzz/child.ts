import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { DoorKind } from './oracle.ts'
import { CANARY } from './random.ts'
import { FUZZ_TOKEN } from './tokens.ts'

/** A question to the server's process. */
export interface Ask {
  readonly ask: 'effects' | 'memory' | 'end'
  readonly users?: readonly string[]
}

/** Which of the users asked about are erased, and how many users are at all, asked about or not. */
interface Effects {
  readonly erased: readonly string[]
  readonly tombstones: number
}

/** Bytes, after garbage collection. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
}

export type Told = Effects | Memory | { readonly port: number }

/** How the process ended, and what it printed that it should not have. */
interface ChildEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly leaks: readonly string[]
}

/** The server under test, in a process of its own. */
export interface Child {
  readonly port: number
  readonly process: ChildProcess
  hasEnded(): boolean
  /** Looks at who is erased, and forgets it. */
  effects(users: readonly string[]): Promise<Effects>
  memory(): Promise<Memory>
  end(): Promise<ChildEnd>
}

const PROGRAM = fileURLToPath(new URL('./server.ts', import.meta.url))

/** Starts a server that waits so long for headers, and twice as long for a request. */
export async function startServer(door: DoorKind, patienceMs = 4000): Promise<Child> {
  // What the test runner adds changes how a process takes signals.
  const { NODE_OPTIONS: _options, ...env } = process.env
  const child = fork(PROGRAM, [door, String(patienceMs)], {
    execArgv: [
      ...['--conditions=erasure-source', '--expose-gc', '--max-semi-space-size=4'],
      // Express has Node print targets it cannot parse. They are not ours, and none of our doing.
      ...(door === 'bridge' ? ['--disable-warning=DEP0170'] : []),
    ],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Express prints every failed request otherwise, with what was sent.
    env: { ...env, NODE_ENV: 'test' },
  })
  const printed = watchOutput(child)
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const ask = async (question?: Ask) => {
    if (question !== undefined) child.send(question)
    const told = once(child, 'message').then(([message]) => message as Told)
    const isDead = ended.then(() => {
      throw new Error(`The server has ended: ${printed().output}`)
    })
    return Promise.race([told, isDead])
  }
  const { port } = (await ask()) as { port: number }
  return {
    port,
    process: child,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    effects: async users => (await ask({ ask: 'effects', users })) as Effects,
    memory: async () => (await ask({ ask: 'memory' })) as Memory,
    async end() {
      if (child.connected) child.send({ ask: 'end' } satisfies Ask)
      const [code, signal] = await ended
      return { code, signal, ...printed() }
    },
  }
}

/** Keeps the end of what a process prints, and every line with something in it that was sent. */
function watchOutput(child: ChildProcess) {
  let output = ''
  const leaks: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-4000)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      leaks.push(
        ...lines
          .filter(line => line.includes(CANARY) || line.includes(FUZZ_TOKEN))
          .slice(0, 5),
      )
    })
  }
  return () => ({ output, leaks: leaks.slice(0, 5) })
}
