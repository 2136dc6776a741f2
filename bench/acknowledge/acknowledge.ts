import { type Figure, printFigures } from '../support/figure.ts'
import { measureSync } from '../support/machine.ts'
import { printTable } from '../support/table.ts'
import type { Load } from './load.ts'
import { measureLoad } from './measure-load.ts'
import { BASELINE, OURS, SERVERS } from './servers.ts'

const CONNECTIONS = 64
const PLAN = { runs: 3, warmUpMs: 3000, measureMs: 3000 }
/** Many short runs: a rung is compared with its neighbours, and the machine's mood changes. */
const LADDER_PLAN = { runs: 7, warmUpMs: 2000, measureMs: 400 }
const MICROSECONDS = 1_000_000

/** How fast requests are acknowledged, beside the same server with no store. */
export async function measureAcknowledging(folder: string): Promise<Figure[]> {
  const trials = [1, CONNECTIONS].flatMap(connections => [
    { server: BASELINE, connections },
    { server: OURS, connections },
  ])
  const loads = await measureLoad(folder, trials, PLAN)
  const syncUs = measureSync(folder).overwriting
  const rows = trials.map(({ server, connections }, index) => {
    const { perSecond, p50Ms, p99Ms, refused } = loads[index] ?? NO_LOAD
    return [nameOf(server), connections, Math.round(perSecond), p50Ms, p99Ms, refused]
  })
  printTable(
    'Acknowledgements over HTTP, medians of three runs in turns',
    ['server', 'connections', 'per second', 'p50 ms', 'p99 ms', 'not 200'],
    rows,
  )
  const rungs = await climb(folder)
  const figures = compare(loads, syncUs, [...loads, ...rungs])
  printFigures('Acknowledgements, ours beside the baseline', figures)
  return figures
}

const NO_LOAD: Load = { perSecond: 0, p50Ms: 0, p99Ms: 0, refused: 0, cpuUs: 0 }

function nameOf(server: string): string {
  return server === OURS ? 'ours, durable' : 'baseline, no store'
}

function compare(
  [baseOne = NO_LOAD, oursOne = NO_LOAD, base = NO_LOAD, ours = NO_LOAD]: Load[],
  syncUs: number,
  all: readonly Load[],
): Figure[] {
  const baseUs = MICROSECONDS / baseOne.perSecond
  const share = (ours.perSecond / base.perSecond) * 100
  return [
    {
      what: '64 connections, rate, of the baseline',
      value: share,
      unit: '%',
      atLeast: 90,
    },
    {
      what: '64 connections, p99, of the baseline',
      value: ours.p99Ms / base.p99Ms,
      unit: 'x',
      atMost: 2,
    },
    { what: '1 connection, an answer of the baseline', value: baseUs, unit: 'us' },
    { what: 'one fdatasync, measured between the runs', value: syncUs, unit: 'us' },
    {
      what: '1 connection, an acknowledgement',
      value: MICROSECONDS / oursOne.perSecond,
      unit: 'us',
      atMost: baseUs + syncUs,
    },
    {
      what: 'answers other than 200, in all runs',
      value: all.reduce((sum, { refused }) => sum + refused, 0),
      unit: '',
      atMost: 0,
    },
  ]
}

/** Adds one thing after the other to the plainest server, to see what each costs. */
async function climb(folder: string): Promise<Load[]> {
  const trials = [...SERVERS.keys()].map(server => ({ server, connections: CONNECTIONS }))
  const loads = await measureLoad(folder, trials, LADDER_PLAN)
  const rows = trials.map(({ server }, index) => {
    const { perSecond, cpuUs } = loads[index] ?? NO_LOAD
    const before = loads[index - 1]
    const costUs = MICROSECONDS / perSecond
    const costBeforeUs = before === undefined ? 0 : MICROSECONDS / before.perSecond
    return [server, costUs, costUs - costBeforeUs, cpuUs, cpuUs - (before?.cpuUs ?? 0)]
  })
  printTable(
    'Where the time goes at 64 connections, medians of seven short runs in turns',
    ['server', 'us per request', 'added', 'of them processor', 'added'],
    rows,
  )
  return loads
}
