// Watches a homeserver, and measures what each of its scans costs this process.
import { synapse } from '../../lib/sources/index.ts'
import type { ErasureSink, ErasureSource } from '../../lib/watch/source.ts'
import { openErasure } from '../support/erasure.ts'
import { answerParent, argument } from '../support/parent.ts'

/** What one scan cost. */
export interface Scan {
  /** Processor time of the whole process, the garbage collector's threads included. */
  readonly cpuMs: number
  readonly tookMs: number
}

/** Memory, after garbage was collected. */
export interface Memory {
  readonly rssBytes: number
  /** What is in use, on the heap and in buffers; the engine keeps more from the system. */
  readonly usedBytes: number
}

/** What watching cost. */
export interface Watch {
  /** The list of all, with which the source begins; in the first run, everybody is noted as known. */
  readonly first: Scan
  readonly scans: readonly Scan[]
  readonly before: Memory
  readonly after: Memory
}

const folder = argument(0)
const url = argument(1)
const SCANS = 5

const measured: Scan[] = []
let hasScanned = () => {}
const watching = Promise.withResolvers<ErasureSink>()

const before = readMemory()
const real = synapse({
  url,
  accessToken: 'the-access-token-of-a-benchmark',
  serverName: 'example.org',
  firstRun: 'baseline',
})
const source: ErasureSource = {
  name: real.name,
  rules: real.rules ?? {},
  async start(sink) {
    const measuringSink = measuring(sink)
    watching.resolve(measuringSink)
    await real.start(measuringSink)
  },
  look: (userId, signal) => real.look(userId, signal),
  close: () => real.close(),
}
const erasure = await openErasure(folder, { sources: [source] })
erasure.onUserErase('nothing', async () => {})
await erasure.start()
await scanned(1)
// A list of the deactivated follows at once if the last list of all is known.
while (measured.length < SCANS + 1) {
  await real.close()
  await real.start(await watching.promise)
  await scanned(measured.length + 1)
}
const after = readMemory()
const [first, ...scans] = measured
if (first === undefined) throw new Error('There was no scan')
answerParent({ first, scans, before, after } satisfies Watch)

function readMemory(): Memory {
  global.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  return { rssBytes: rss, usedBytes: heapUsed + external }
}

/** A sink that measures how long it compares, until the scan is stored. */
function measuring(sink: ErasureSink): ErasureSink {
  return {
    clock: sink.clock,
    logger: sink.logger,
    signal: sink.signal,
    async compare(accounts) {
      const startedAt = performance.now()
      const usage = process.cpuUsage()
      await sink.compare(accounts)
      const { user, system } = process.cpuUsage(usage)
      const tookMs = performance.now() - startedAt
      measured.push({ cpuMs: (user + system) / 1000, tookMs })
    },
    check: userId => sink.check(userId),
    failed: async code => {
      throw new Error(`A scan failed: ${code}`)
    },
    async succeeded() {
      await sink.succeeded()
      hasScanned()
    },
    cursor: () => sink.cursor(),
    setCursor: value => sink.setCursor(value),
  }
}

async function scanned(count: number): Promise<void> {
  while (measured.length < count)
    await new Promise<void>(resolve => {
      hasScanned = resolve
    })
}
