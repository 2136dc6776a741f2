import type { Test } from 'tap'

import type { ErasureStatus } from '../../../lib/core/read-status.ts'
import { allCalls, findOverlaps, type Overlaps, type PlacedCall } from './check.ts'
import { type FaultFigures, Faults, type Killed, sleep, untilAtWork } from './faults.ts'
import { type Promised, sendAll } from './homeserver.ts'
import type { Host } from './host.ts'
import { hold, release } from './people.ts'
import { disturbAtRandom } from './random-faults.ts'
import {
  HELD,
  LEASE_MS,
  openStory,
  queueLength,
  type Story,
  untilFinished,
  wronglyLeft,
} from './story.ts'

/** How much is done. */
export interface ChaosSize {
  readonly requests: number
  /** Random ones, besides one of each kind. */
  readonly faults: number
  readonly seed: number
}

/** What came of it. */
export interface ChaosReport {
  readonly promised: Promised
  readonly figures: FaultFigures
  /** When everything had been quiet for a while. */
  readonly status: ErasureStatus
  /** Entries in pg-boss's table after that. */
  readonly queued: number
  /** Users of whom something is left, and bystanders of whom something is not. */
  readonly wronglyLeft: readonly string[]
  readonly overlaps: Overlaps
  readonly calls: readonly PlacedCall[]
  /** Processes that ended without being killed, and what they said last. */
  readonly crashes: readonly string[]
  /** Lines that the SDK has logged. */
  readonly lines: readonly string[]
  readonly killed: readonly Killed[]
  /** Whose signal aborted while they were cut off, or stopped. */
  readonly abortedCalls: { readonly stopped: number; readonly cutOff: number }
}

const BYSTANDERS = 20
/** Requests arrive over this time: as long as the faults of each kind take. */
const SPREAD_MS = 20_000
/** How much longer than a lease processes are stopped or cut off. */
const BEYOND_LEASE_MS = LEASE_MS + 6000
/** How long nothing may be finished once nothing disturbs the work any more. */
const PATIENCE_MS = 120_000

/**
 * How long a part may take, with whatever waits in it. Nothing depends on it: it is there so that
 * what never comes is named, and does not hold up everything else.
 */
const STUCK_MS = 10 * 60_000

/** Runs four processes through every kind of fault, and waits until they are done. */
export async function runChaos(
  t: Test,
  size: ChaosSize,
  random: () => number,
): Promise<ChaosReport> {
  const users = Array.from({ length: size.requests }, (_, user) => user)
  const all = size.requests + BYSTANDERS
  const story = await openStory(t, all)
  const held = new Set(users.slice(0, HELD))
  hold(story.people, held)
  const spreadMs = SPREAD_MS + disturbAtRandom.spreadMs(size.faults)
  const { promised, done, stop } = sendAll(story.hosts, users, spreadMs, random)
  t.teardown(stop)
  const faults = new Faults(story.server)
  const within = limit(() => describeStory(story, promised, faults))
  const abortedCalls = await within(
    'one fault of each kind',
    disturbEach(story, faults, held, random),
  )
  await within('random faults', disturbAtRandom(story, faults, size.faults, random))
  release(story.people, held)
  await within('a 200 for every request', done)
  const status = await untilFinished(story, PATIENCE_MS)
  const calls = allCalls(story.hosts.flatMap(({ lives }) => lives))
  return {
    promised,
    figures: faults.figures,
    status,
    queued: await queueLength(story, PATIENCE_MS),
    wronglyLeft: await wronglyLeft(story, all, promised.users),
    overlaps: findOverlaps(calls),
    calls,
    crashes: story.hosts.flatMap(crashesOf),
    lines: story.hosts.flatMap(({ lines }) => lines),
    killed: faults.killed,
    abortedCalls,
  }
}

/**
 * One fault of each kind. Calls hang for as many users as the victims can work on at a time, and
 * the other host is started when all of them do: so each fault meets a process in such calls.
 */
async function disturbEach(
  { hosts, victims }: Story,
  faults: Faults,
  held: ReadonlySet<number>,
  random: () => number,
): Promise<ChaosReport['abortedCalls']> {
  await untilAtWork(victims, held)
  await hosts.at(-1)?.start()
  const [killed, stopped, cutOff] = victims as [Host, Host, Host]
  await Promise.all([
    faults.kill(killed, BEYOND_LEASE_MS),
    faults.stop(stopped, BEYOND_LEASE_MS),
    faults.blackHole(cutOff, BEYOND_LEASE_MS, random() < 0.5),
  ])
  for (const host of hosts) faults.cut(host)
  await faults.restartDatabase()
  // Who was stopped needs a moment to notice.
  await sleep(1000)
  const aborted = (host: Host) =>
    allCalls(host.lives.slice(0, 1)).filter(call => call.how === 'aborted').length
  return { stopped: aborted(stopped), cutOff: aborted(cutOff) }
}

type Within = <Result>(what: string, part: Promise<Result>) => Promise<Result>

/** Rejects, saying how things stand, if a part takes far too long. */
function limit(describe: () => string): Within {
  return async (what, part) => {
    const stuck = Promise.withResolvers<never>()
    const give = () =>
      stuck.reject(new Error(`Waited in vain for ${what}:\n${describe()}`))
    const timer = setTimeout(give, STUCK_MS)
    try {
      return await Promise.race([part, stuck.promise])
    } finally {
      clearTimeout(timer)
    }
  }
}

function describeStory(
  { hosts }: Story,
  { users, refusals, causes }: Promised,
  { figures, underWay }: Faults,
): string {
  const lines = hosts.map(({ name, port, lives, lines }) => {
    const last = lines.slice(-10).join('\n    ')
    return `${name}: port ${port}, ${lives.length} lives, ended: ${lives.map(({ diedAt }) => diedAt !== undefined).join()}\n    ${last}`
  })
  const what = {
    promised: users.size,
    refusals,
    causes,
    figures,
    underWay: [...underWay],
  }
  return [JSON.stringify(what), ...lines].join('\n  ')
}

function crashesOf({ name, lives, lines }: Host): string[] {
  const last = lines.slice(-20).join('\n')
  return lives
    .filter(({ crashed }) => crashed === true)
    .map(() => `${name} has ended by itself:\n${last}`)
}
