import type { Load, Target } from '../../acknowledge/load.ts'
import { runLoad, summarize } from '../../acknowledge/measure-load.ts'
import type { Served } from '../../acknowledge/serve.ts'
import { type Child, openChild } from '../../support/child.ts'
import { type Figure, printFigures } from '../../support/figure.ts'
import { type Cell, printTable } from '../../support/table.ts'
import {
  type Contender,
  CONTENDERS,
  OURS,
  PG_BOSS,
  RAW,
  RAW_SEALED,
} from './contenders.ts'
import { countProcesses, PROCESSES } from '../support/processes.ts'
import type { RedisServer } from '../support/redis.ts'
import type { Server } from '../support/server.ts'

const CONNECTIONS = 64
const ROUNDS = 3
const PLAN = { part: 'postgres', runs: 1, warmUpMs: 1500, measureMs: 2000 }

/** Every contender's results, one per number of processes; none where it cannot run here. */
type Results = ReadonlyMap<string, readonly Load[]>

/**
 * How fast requests are acknowledged by one, two and four processes on one database, beside
 * others behind the same door.
 */
export async function measureSharedAcknowledging(
  server: Server,
  redis: RedisServer | undefined,
): Promise<Figure[]> {
  const runs = new Map<string, Load[][]>()
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const contender of CONTENDERS) {
      if (contender.on === 'Redis' && redis === undefined) continue
      const loads = await runContender(contender, server, redis)
      const before = runs.get(contender.name) ?? PROCESSES.map(() => [])
      runs.set(
        contender.name,
        before.map((known, index) => [...known, ...(loads[index] ?? [])]),
      )
    }
  }
  const results: Results = new Map(
    [...runs].map(([name, perCount]) => [name, perCount.map(summarize)]),
  )
  printTable(
    `Acknowledgements over HTTP at ${CONNECTIONS} connections, medians of ${ROUNDS} runs in turns`,
    ['remembered by', 'processes', 'per second', 'p50 ms', 'p99 ms', 'cpu us', 'not 200'],
    CONTENDERS.flatMap(({ name }) => describe(name, results.get(name))),
  )
  const figures = compare(results)
  printFigures('Acknowledgements on PostgreSQL, ours beside the others', figures)
  return figures
}

/** Puts one under load with each number of processes; its database is new, and gone after. */
async function runContender(
  { name, on }: Contender,
  server: Server,
  redis: RedisServer | undefined,
): Promise<Load[][]> {
  const database = on === 'PostgreSQL' ? await server.createDatabase() : undefined
  const url = database ?? redis?.url ?? ''
  const children: Child<Served>[] = []
  try {
    // One after the other, because not all of them can make their tables side by side.
    while (children.length < Math.max(...PROCESSES)) {
      children.push(await openChild<Served>('postgres/acknowledge/serve.ts', [name, url]))
    }
    const targets: Target[] = PROCESSES.map(count => ({
      server: name,
      processes: children.slice(0, count).map(({ answer }) => answer),
      connections: CONNECTIONS,
    }))
    return await runLoad({ ...PLAN, targets })
  } finally {
    await Promise.all(children.map(child => child.close()))
    if (database !== undefined) await server.dropDatabase(database)
  }
}

function describe(name: string, loads: readonly Load[] | undefined): Cell[][] {
  if (loads === undefined) return [[name, '', 'not on this machine', '', '', '', '']]
  return loads.map(({ perSecond, p50Ms, p99Ms, cpuUs, refused }, index) => {
    const label = index === 0 ? name : ''
    const processes = PROCESSES[index] ?? 0
    return [label, processes, Math.round(perSecond), p50Ms, p99Ms, cpuUs, refused]
  })
}

function compare(results: Results): Figure[] {
  const figures = PROCESSES.flatMap((count, index): Figure[] => {
    const rate = (name: string) => results.get(name)?.[index]?.perSecond ?? 0
    const who = countProcesses(count)
    const share = { unit: '%', atLeast: 60 } as const
    return [
      { what: `${who}, of ${RAW}`, value: (rate(OURS) / rate(RAW)) * 100, ...share },
      {
        what: `${who}, of ${RAW_SEALED}`,
        value: (rate(OURS) / rate(RAW_SEALED)) * 100,
        ...share,
      },
      {
        what: `${who}, of ${PG_BOSS}`,
        value: rate(OURS) / rate(PG_BOSS),
        unit: 'x',
        atLeast: 5,
      },
    ]
  })
  const ours = results.get(OURS) ?? []
  const refused = ours.reduce((sum, load) => sum + load.refused, 0)
  return [
    ...figures,
    { what: 'answers of ours other than 200', value: refused, unit: '', atMost: 0 },
  ]
}
