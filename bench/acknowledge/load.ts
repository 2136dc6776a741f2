// Sends erasure requests to servers in turns, over keep-alive connections, and times the answers.
import { existsSync, readFileSync } from 'node:fs'

import { quantile } from '../support/median.ts'
import { answerParent, argument } from '../support/parent.ts'
import { tell } from '../support/progress.ts'
import { ask } from './ask.ts'
import type { Served } from './serve.ts'

/** A server, and over how many connections it is asked, one request at a time on each. */
export interface Target {
  readonly server: string
  /** The processes it consists of, among which the connections are dealt out. */
  readonly processes: readonly Served[]
  readonly connections: number
}

/** What to send, and for how long. */
export interface LoadPlan {
  /** What the progress is told under. */
  readonly part: string
  readonly targets: readonly Target[]
  readonly runs: number
  /** Before the first run, once for each target. */
  readonly warmUpMs: number
  /** Each run of each target. */
  readonly measureMs: number
}

/** What one run found. */
export interface Load {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 200. */
  readonly refused: number
  /**
   * What a request took of the server's main threads, in microseconds. Unlike the rate it hardly
   * depends on what else the machine does.
   */
  readonly cpuUs: number
}

/** However few connections are measured, as many as this warm the server up. */
const WARM_UP_CONNECTIONS = 64
/** What opening connections does to the first answers of a run is not measured. */
const SETTLE_MS = 100

let opened = 0
const { part, targets, runs, warmUpMs, measureMs } = JSON.parse(argument(0)) as LoadPlan
for (const target of targets) {
  await send({ ...target, connections: WARM_UP_CONNECTIONS }, warmUpMs)
}
const loads: Load[][] = targets.map(() => [])
for (let run = 1; run <= runs; run += 1) {
  for (const [index, target] of targets.entries()) {
    const load = await send(target, measureMs)
    loads[index]?.push(load)
    const { server, connections, processes } = target
    const rate = Math.round(load.perSecond)
    const size = `processes: ${processes.length}, connections: ${connections}`
    tell(`${part} ${run}/${runs}: ${server}, ${size}, ${rate} per second`)
  }
}
answerParent({ loads })

/** Asks a server for as long as said. */
async function send(target: Target, durationMs: number): Promise<Load> {
  const { processes, connections } = target
  const latenciesMs: number[] = []
  let answered = 0
  let refused = 0
  const cpuUs = readCpuUs(processes)
  const from = performance.now() + SETTLE_MS
  const until = from + durationMs
  const take = (status: string, sentAt: number, now: number) => {
    answered += 1
    if (status !== '200') refused += 1
    else if (now >= from && now < until) latenciesMs.push(now - sentAt)
    return now < until
  }
  await Promise.all(
    Array.from({ length: connections }, (_, index) => {
      const port = processes[index % processes.length]?.port ?? 0
      return ask(port, nextName(), take)
    }),
  )
  return {
    perSecond: (latenciesMs.length / durationMs) * 1000,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    refused,
    cpuUs: (readCpuUs(processes) - cpuUs) / answered,
  }
}

/** A name for each connection of all runs, so that every request is for a user of its own. */
function nextName(): string {
  opened += 1
  return `connection-${opened}`
}

/** How long the main threads have been on a processor; 0 where Linux is not there. */
function readCpuUs(processes: readonly Served[]): number {
  const times = processes.map(({ pid }) => {
    const path = `/proc/${pid}/schedstat`
    if (!existsSync(path)) return 0
    const [onProcessorNs] = readFileSync(path, 'utf8').split(' ')
    return Number(onProcessorNs) / 1000
  })
  return times.reduce((sum, time) => sum + time, 0)
}
