import { type Program, startProgram } from '../../support/program.ts'
import type { DoorKind } from './oracle.ts'
import { CANARY } from './canary.ts'
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
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly output: string
  readonly leaks: readonly string[]
}

/** The server under test, in a process of its own. */
export interface Child {
  readonly port: number
  hasEnded(): boolean
  /** Looks at who is erased, and forgets it. */
  effects(users: readonly string[]): Promise<Effects>
  memory(): Promise<Memory>
  end(): Promise<ChildEnd>
}

/** Starts a server that waits so long for headers, and twice as long for a request. */
export async function startServer(door: DoorKind, patienceMs = 4000): Promise<Child> {
  const program = startProgram('test/proof/fuzz/server.ts', [door, String(patienceMs)], {
    ipc: true,
    nodeArgs: [
      ...['--expose-gc', '--max-semi-space-size=4'],
      // Express has Node print targets it cannot parse. They are not ours, and none of our doing.
      ...(door === 'bridge' ? ['--disable-warning=DEP0170'] : []),
    ],
    // Express prints every failed request otherwise, with what was sent.
    env: { NODE_ENV: 'test' },
  })
  const printed = watchOutput(program)
  let hasEnded = false
  void program.ended.then(() => (hasEnded = true))
  const told = async () => {
    try {
      return (await program.told()) as Told
    } catch (error) {
      throw new Error(`The server has ended: ${printed().output}`, { cause: error })
    }
  }
  const ask = async (question: Ask) => {
    const [answer] = await Promise.all([told(), program.send(question)])
    return answer
  }
  const { port } = (await told()) as { port: number }
  return {
    port,
    hasEnded: () => hasEnded,
    effects: async users => (await ask({ ask: 'effects', users })) as Effects,
    memory: async () => (await ask({ ask: 'memory' })) as Memory,
    async end() {
      if (!hasEnded) await program.send({ ask: 'end' } satisfies Ask).catch(() => {})
      const { code, signal } = await program.ended
      return { code, signal, ...printed() }
    },
  }
}

/** Keeps the end of what a process prints, and every line with something in it that was sent. */
function watchOutput({ process }: Program) {
  let output = ''
  const leaks: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    let rest = ''
    stream.setEncoding('utf8').on('data', (text: string) => {
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
