import { setTimeout as sleep } from 'node:timers/promises'

import type { Figure } from '../support/figure.ts'
import { median } from '../support/median.ts'
import { now } from '../support/now.ts'
import { tell } from '../support/progress.ts'
import { type Bridge, openBridge } from './bridge.ts'
import type { Homeserver } from './homeserver.ts'

const USERS = 10
const INTERVAL_MS = 5000
/** So long that no scan finds anybody. */
const NEVER_MS = 24 * 60 * 60 * 1000
/** What a hint must be faster than. */
const HINT_MS = 2000
/** A scan, and carrying out what it finds, begin once the interval is over. */
const PATIENCE_MS = 120_000

/** From the request that erases somebody until their first handler is called. */
export async function measureLatency(
  folder: string,
  homeserver: Homeserver,
): Promise<Figure[]> {
  const { engine } = homeserver
  const hint = await erasePeople(folder, homeserver, 'hint')
  const scan = await erasePeople(folder, homeserver, 'scan')
  const figures = [
    ...describe(`${engine}: by the hint of a leave`, hint, HINT_MS),
    ...describe(`${engine}: by a scan every ${INTERVAL_MS / 1000} s`, scan, INTERVAL_MS),
  ]
  if (homeserver.connectionString === undefined) return figures
  await homeserver.allowReader()
  const trigger = await erasePeople(folder, homeserver, 'trigger')
  return [...figures, ...describe(`${engine}: by the trigger`, trigger, HINT_MS)]
}

type Way = 'hint' | 'scan' | 'trigger'

async function erasePeople(
  folder: string,
  homeserver: Homeserver,
  way: Way,
): Promise<number[]> {
  const kind = way === 'trigger' ? 'synapse-postgres' : 'synapse'
  const intervalMs = way === 'scan' ? INTERVAL_MS : NEVER_MS
  const people = []
  for (let index = 0; index < USERS; index += 1)
    people.push(await homeserver.register(`${way}${index}`))
  const path = `/_matrix/client/v3/join/${homeserver.room}`
  if (way === 'hint') for (const person of people) await person.call('POST', path, {})
  const bridge = await openBridge(folder, homeserver, kind, intervalMs)
  try {
    await bridge.scanned
    const found: number[] = []
    for (const { userId } of people) {
      // Not in step with the scans.
      await sleep(Math.random() * Math.min(intervalMs, INTERVAL_MS))
      found.push(await eraseOne(homeserver, bridge, userId))
    }
    tell(`synapse: ${found.length} people were erased, found by ${way}`)
    return found
  } finally {
    await bridge.close()
  }
}

async function eraseOne(
  { admin }: Homeserver,
  bridge: Bridge,
  userId: string,
): Promise<number> {
  const sentAt = now()
  const path = `/_synapse/admin/v1/deactivate/${encodeURIComponent(userId)}`
  await admin.call('POST', path, { erase: true })
  const over = new AbortController()
  const late = sleep(PATIENCE_MS, undefined, { signal: over.signal }).then(() => {
    throw new Error('Somebody was erased in Synapse, and no handler was called')
  })
  late.catch(() => {})
  try {
    return (await Promise.race([bridge.called(userId), late])) - sentAt
  } finally {
    over.abort()
  }
}

function describe(what: string, found: readonly number[], atMost: number): Figure[] {
  const unit = 'ms'
  return [
    { what: `${what}, median`, value: median(found), unit },
    {
      what: `${what}, slowest of ${found.length}`,
      value: Math.max(...found),
      unit,
      atMost,
    },
  ]
}
