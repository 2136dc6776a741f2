import { type Child, openChild, runChild } from '../../support/child.ts'
import { type Figure, printFigures } from '../../support/figure.ts'
import { median } from '../../support/median.ts'
import { now } from '../../support/now.ts'
import { tell } from '../../support/progress.ts'
import { printTable } from '../../support/table.ts'
import { countProcesses, PROCESSES } from '../support/processes.ts'
import type { Server } from '../support/server.ts'
import type { Manner } from './pg-boss/carry-out.ts'
import type { Finished } from './report.ts'

const JOBS = 10_000
const ROUNDS = 3
/** Side by side in each process: what the engine does by default, and a bridge of many networks. */
const SIZES: readonly Size[] = [
  ...PROCESSES.map(processes => ({ processes, concurrency: 4 })),
  { processes: 1, concurrency: 32 },
]
const PATIENCE_MS = 120_000

/** Something that works through a backlog. */
interface Drainer {
  readonly name: string
  readonly fill: string
  readonly program: string
  readonly args: readonly Manner[]
}

const OURS: Drainer = {
  name: 'ours',
  fill: 'postgres/drain/ours/fill.ts',
  program: 'postgres/drain/ours/carry-out.ts',
  args: [],
}
const BOSS = {
  fill: 'postgres/drain/pg-boss/fill.ts',
  program: 'postgres/drain/pg-boss/carry-out.ts',
}
const DRAINERS: readonly Drainer[] = [
  OURS,
  { ...BOSS, name: 'pg-boss work, in batches', args: ['work'] },
  { ...BOSS, name: 'pg-boss fetch and complete', args: ['fetch'] },
]

/** How many work through it. */
interface Size {
  readonly processes: number
  readonly concurrency: number
}

/** One way of working through it. */
interface Trial extends Size {
  readonly drainer: Drainer
}

/** How fast a backlog of requests is worked through by handlers that do nothing. */
export async function measureDrain(server: Server): Promise<Figure[]> {
  const trials: Trial[] = SIZES.flatMap(size =>
    DRAINERS.map(drainer => ({ ...size, drainer })),
  )
  const rates = trials.map((): number[] => [])
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const [index, trial] of trials.entries()) {
      const rate = await drain(server, trial)
      rates[index]?.push(rate)
      const { drainer, processes, concurrency } = trial
      const size = `processes: ${processes}, concurrency: ${concurrency}`
      tell(`postgres ${round}/${ROUNDS}: ${drainer.name}, ${size}, ${Math.round(rate)}`)
    }
  }
  const medians = new Map(
    trials.map((trial, index) => [trial, median(rates[index] ?? [])]),
  )
  printTable(
    `Draining ${JOBS.toLocaleString('en-US')} that do nothing, medians of ${ROUNDS} runs in turns`,
    ['worked through by', 'processes', 'side by side in each', 'per second'],
    [...medians].map(([{ drainer, processes, concurrency }, rate]) => [
      drainer.name,
      processes,
      concurrency,
      Math.round(rate),
    ]),
  )
  const figures = compare(medians)
  printFigures('Draining on PostgreSQL, ours beside pg-boss', figures)
  return figures
}

/** @returns how many per second, from when all processes are told to begin */
async function drain(
  server: Server,
  { drainer, processes, concurrency }: Trial,
): Promise<number> {
  const url = await server.createDatabase()
  const workers: Child<object>[] = []
  try {
    await runChild(drainer.fill, [url, JOBS])
    while (workers.length < processes) {
      const args = [url, concurrency, ...drainer.args]
      workers.push(await openChild(drainer.program, args))
    }
    const finished = waitForAll(workers, drainer.name)
    const startedAt = now()
    for (const { process } of workers) process.send('go')
    return (JOBS / ((await finished) - startedAt)) * 1000
  } finally {
    await Promise.all(workers.map(worker => worker.close()))
    await server.dropDatabase(url)
  }
}

/** @returns when the last one was finished, on the clock of `now` */
function waitForAll(workers: readonly Child<object>[], name: string): Promise<number> {
  const done = new Set<string>()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const timer = setTimeout(() => {
    reject(new Error(`${name}: only ${done.size} of ${JOBS} after ${PATIENCE_MS} ms`))
  }, PATIENCE_MS)
  for (const worker of workers) {
    worker.process.on('message', message => {
      const { ids, at } = message as Finished
      for (const id of ids) done.add(id)
      if (done.size === JOBS) resolve(at)
    })
  }
  return promise.finally(() => clearTimeout(timer))
}

function compare(medians: ReadonlyMap<Trial, number>): Figure[] {
  const all = [...medians]
  return all.flatMap(([{ drainer, processes, concurrency }, rate]): Figure[] => {
    if (drainer === OURS) return []
    const [, ours = 0] =
      all.find(
        ([trial]) =>
          trial.drainer === OURS &&
          trial.processes === processes &&
          trial.concurrency === concurrency,
      ) ?? []
    return [
      {
        what: `${countProcesses(processes)}, ${concurrency} in each, of ${drainer.name}`,
        value: (ours / rate) * 100,
        unit: '%',
        atLeast: 50,
      },
    ]
  })
}
