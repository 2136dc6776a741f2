import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

import { quantile } from '../support/median.ts'

/** Between an answer and the next request. */
const PAUSE_MS = 5
/** Costs a homeserver next to nothing, so that what it takes is the time nobody was served. */
const PATH = '/_matrix/client/versions'

/** What somebody else's requests waited meanwhile. */
export interface Waits {
  readonly maxMs: number
  readonly p99Ms: number
}

/** Asks a homeserver again and again, over one connection, until it is stopped. */
export function startProbe(url: string): { stop(): Promise<Waits> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const waits: number[] = []
  const over = new AbortController()
  const running = (async () => {
    while (!over.signal.aborted) {
      const startedAt = performance.now()
      await ask(url + PATH, agent)
      waits.push(performance.now() - startedAt)
      await sleep(PAUSE_MS)
    }
  })()
  running.catch(() => {})
  return {
    async stop() {
      over.abort()
      await running
      agent.destroy()
      return { maxMs: Math.max(...waits), p99Ms: quantile(waits, 0.99) }
    },
  }
}

function ask(url: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, response => {
      response.once('end', resolve).once('error', reject).resume()
      if (response.statusCode !== 200)
        reject(new Error(`The probe was answered ${response.statusCode}`))
    }).once('error', reject)
  })
}
