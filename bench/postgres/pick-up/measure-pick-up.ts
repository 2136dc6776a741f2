import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { ask } from '../../acknowledge/ask.ts'
import { type Child, openChild } from '../../support/child.ts'
import { type Figure, printFigures } from '../../support/figure.ts'
import { quantile } from '../../support/median.ts'
import { now } from '../../support/now.ts'
import { tell } from '../../support/progress.ts'
import type { Server } from '../support/server.ts'
import type { Bridge, Call, Role } from './bridge.ts'

const REQUESTS = 200
/** The first ones open connections and have the code compiled. */
const WARM_UP = 10
/** Pauses of different lengths, so that the requests do not keep step with anything. */
const MIN_PAUSE_MS = 20
const SPREAD_MS = 60
/** Where nothing wakes anybody up, every request would wait for the next poll. */
const PATIENCE_MS = 60_000

/** A request's way, on the clock of `now`. */
interface Pickup {
  readonly sentAt: number
  readonly answeredAt: number
  readonly calledAt: number
}

/** How long a request waits for its handler when nothing else is going on. */
export async function measurePickUp(server: Server): Promise<Figure[]> {
  const same = await pickUp(server, 'takes and works')
  const across = await pickUp(server, 'takes', 'works')
  const figures = [
    ...describe('one process', same),
    ...describe('taken by one, worked on by another', across),
  ]
  printFigures('Pick-up of a request when nothing else is going on', figures)
  return figures
}

/** Sends requests to a process of the first role, whose handler another may call. */
async function pickUp(
  server: Server,
  doorRole: Role,
  workerRole?: Role,
): Promise<Pickup[]> {
  const url = await server.createDatabase()
  const bridges: Child<Bridge>[] = []
  const open = async (role: Role) => {
    const bridge = await openChild<Bridge>('postgres/pick-up/bridge.ts', [url, role])
    bridges.push(bridge)
    return bridge
  }
  try {
    const door = await open(doorRole)
    const worker = workerRole === undefined ? door : await open(workerRole)
    const found: Pickup[] = []
    const until = performance.now() + PATIENCE_MS
    while (found.length < WARM_UP + REQUESTS && performance.now() < until) {
      found.push(await sendOne(door, worker, found.length))
      await sleep(MIN_PAUSE_MS + Math.random() * SPREAD_MS)
    }
    tell(`postgres: ${found.length} requests picked up, processes: ${bridges.length}`)
    return found.slice(WARM_UP)
  } finally {
    await Promise.all(bridges.map(bridge => bridge.close()))
    await server.dropDatabase(url)
  }
}

async function sendOne(
  door: Child<Bridge>,
  worker: Child<Bridge>,
  number: number,
): Promise<Pickup> {
  const called = once(worker.process, 'message').then(([call]) => call as Call)
  /** How far the clock that all processes share is ahead of `performance.now`. */
  const aheadMs = now() - performance.now()
  let answer = { status: '', sentAt: 0, answeredAt: 0 }
  await ask(door.answer.port, `pick-up-${number}`, (status, sentAt, answeredAt) => {
    answer = { status, sentAt: sentAt + aheadMs, answeredAt: answeredAt + aheadMs }
    return false
  })
  if (answer.status !== '200') throw new Error(`A request was answered ${answer.status}`)
  const { at } = await called
  return { ...answer, calledAt: at }
}

function describe(who: string, found: readonly Pickup[]): Figure[] {
  const sinceSent = found.map(({ sentAt, calledAt }) => calledAt - sentAt)
  const sinceAnswered = found.map(({ answeredAt, calledAt }) => calledAt - answeredAt)
  const ms = (what: string, value: number): Figure => ({
    what: `${who}: ${what}`,
    value,
    unit: 'ms',
  })
  return [
    { what: `${who}: requests`, value: found.length, unit: '' },
    {
      ...ms('sent until the handler is called, p50', quantile(sinceSent, 0.5)),
      atMost: 100,
    },
    ms('sent until the handler is called, p99', quantile(sinceSent, 0.99)),
    ms('answered until the handler is called, p50', quantile(sinceAnswered, 0.5)),
    ms('answered until the handler is called, p99', quantile(sinceAnswered, 0.99)),
  ]
}
