import { synapse, type SynapseOptions } from '../../../lib/sources/index.ts'
import type { Account, ErasureSource } from '../../../lib/watch/source.ts'
import { type RecordingSink, recordingSink } from '../recording-sink.ts'
import { until } from '../until.ts'
import type { SimulatedAccounts } from './accounts.ts'
import { serveSynapse } from './serve-synapse.ts'
import { ADMIN_TOKEN, SimulatedSynapse } from './simulated-synapse.ts'

/** A source, what it asks over HTTP, and what it reports to. */
export interface OpenSource {
  readonly homeserver: SimulatedSynapse
  readonly accounts: SimulatedAccounts
  readonly source: ErasureSource
  readonly sink: RecordingSink
  /** Lets time pass, until there are so many more outcomes; these. */
  outcomes(more: number, ms?: number): Promise<string[]>
  /** Starts, and lets the two scans pass with which it begins. */
  begin(): Promise<void>
}

/** Opens them until the test ends. */
export async function openSource(
  t: { teardown(callback: () => unknown): unknown },
  options: Partial<SynapseOptions> = {},
): Promise<OpenSource> {
  const homeserver = new SimulatedSynapse()
  const url = await serveSynapse(t, homeserver)
  const source = synapse({
    url,
    accessToken: ADMIN_TOKEN,
    serverName: homeserver.serverName,
    ...options,
  })
  const sink = recordingSink()
  t.teardown(() => source.close())
  const outcomes = async (more: number, ms = 0) => {
    const count = sink.outcomes.length + more
    await sink.clock.advance(ms)
    await until(`there are ${count} outcomes`, () => sink.outcomes.length >= count)
    return sink.outcomes.slice(-more)
  }
  const begin = async () => {
    await source.start(sink)
    await outcomes(2)
    homeserver.asked.length = 0
    sink.lists.length = 0
  }
  return { homeserver, accounts: homeserver.accounts, source, sink, outcomes, begin }
}

/** The users that a list has as erased. */
export const erasedIn = (list: readonly Account[] | undefined): string[] | undefined =>
  list?.filter(({ erased }) => erased).map(({ userId }) => userId)
