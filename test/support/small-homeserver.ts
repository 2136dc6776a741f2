import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { sleep } from '../../lib/host/clock.ts'
import {
  type AccountState,
  type ErasureSink,
  type ErasureSource,
  SourceError,
} from '../../lib/watch/source.ts'
import type { HomeserverBehaviour, SourceHarness } from '../../lib/testing/index.ts'

const TOKEN = 'the-token-of-a-source'

/** A homeserver with one endpoint, and a source that asks it, by real HTTP. */
export async function smallHomeserver(): Promise<SourceHarness> {
  const accounts = new Map<string, AccountState>()
  let behaviour: HomeserverBehaviour = 'well'
  const server = createServer((_request, response) => {
    if (behaviour === 'SOURCE_UNREACHABLE') response.statusCode = 503
    if (behaviour === 'SOURCE_FORBIDDEN') response.statusCode = 403
    const body =
      behaviour === 'SOURCE_INVALID' ? { accounts: 5 } : { accounts: [...accounts] }
    response.end(JSON.stringify(body))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    source: new SmallSource(`http://127.0.0.1:${port}`),
    serverName: 'example.org',
    secrets: [TOKEN],
    async setAccount(userId, state) {
      accounts.set(userId, state)
    },
    async behave(how) {
      behaviour = how
    },
    async remove() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** As small as a source can be. */
class SmallSource implements ErasureSource {
  readonly name = 'small'
  readonly #url: string
  #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(url: string) {
    this.#url = url
  }

  async start(sink: ErasureSink): Promise<void> {
    this.#stop = new AbortController()
    this.#running = this.#watch(sink, AbortSignal.any([sink.signal, this.#stop.signal]))
  }

  async look(userId: string, signal: AbortSignal): Promise<AccountState> {
    const accounts = await this.#ask(signal)
    return accounts.get(userId) ?? 'unknown'
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #watch(sink: ErasureSink, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await sink.compare(this.#list(signal))
        await sink.succeeded()
      } catch (error) {
        const code = error instanceof SourceError ? error.code : 'SOURCE_UNREACHABLE'
        if (!signal.aborted) await sink.failed(code)
      }
      await sleep(sink.clock, 50, signal)
    }
  }

  async *#list(signal: AbortSignal) {
    for (const [userId, state] of await this.#ask(signal)) {
      yield { userId, erased: state === 'erased' || state === 'erased ghost' }
    }
  }

  async #ask(signal: AbortSignal): Promise<ReadonlyMap<string, AccountState>> {
    const response = await this.#fetch(signal)
    if (response.status === 403) {
      throw new SourceError('SOURCE_FORBIDDEN', 'The homeserver refuses the token')
    }
    if (response.status !== 200) {
      throw new SourceError('SOURCE_UNREACHABLE', 'The homeserver has an error')
    }
    const { accounts } = (await response.json()) as { accounts: [string, AccountState][] }
    if (Array.isArray(accounts)) return new Map(accounts)
    throw new SourceError('SOURCE_INVALID', 'The homeserver lists no accounts')
  }

  async #fetch(signal: AbortSignal): Promise<Response> {
    try {
      const headers = { authorization: `Bearer ${TOKEN}` }
      return await fetch(this.#url, { headers, signal })
    } catch {
      throw new SourceError('SOURCE_UNREACHABLE', 'The homeserver does not answer')
    }
  }
}
