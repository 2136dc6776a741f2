import { setTimeout as sleep } from 'node:timers/promises'

import type { Figure } from '../support/figure.ts'
import { openBridge, type SourceKind } from './bridge.ts'
import type { Homeserver } from './homeserver.ts'
import { startProbe } from './probe.ts'

const IDLE_MS = 10_000
const DAY_MS = 24 * 60 * 60 * 1000
const STALL_MS = 150

/** How long other requests of a homeserver wait while it is scanned. */
export async function measureStalls(
  folder: string,
  homeserver: Homeserver,
): Promise<Figure[]> {
  const { engine, url, connectionString } = homeserver
  const idle = startProbe(url)
  await sleep(IDLE_MS)
  const quiet = await idle.stop()
  const kinds: SourceKind[] =
    connectionString === undefined ? ['synapse'] : ['synapse', 'synapse-postgres']
  const figures: Figure[] = [
    { what: `${engine}: longest wait with no scan`, value: quiet.maxMs, unit: 'ms' },
  ]
  for (const kind of kinds) {
    const probe = startProbe(url)
    const bridge = await openBridge(folder, homeserver, kind, DAY_MS)
    const tookMs = await bridge.scanned
    const { maxMs, p99Ms } = await probe.stop()
    await bridge.close()
    const what = (text: string) => `${engine}, ${kind}: ${text}`
    figures.push(
      { what: what('the first scan, which lists all'), value: tookMs / 1000, unit: 's' },
      { what: what('99 % of other requests within'), value: p99Ms, unit: 'ms' },
      { what: what('longest wait'), value: maxMs, unit: 'ms', atMost: STALL_MS },
    )
  }
  return figures
}
