import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { type Child, openChild, runChild } from '../support/child.ts'
import { median } from '../support/median.ts'
import type { Load, LoadPlan, Target } from './load.ts'
import type { Served } from './serve.ts'

/** One server under one number of connections. */
export type Trial = Omit<Target, 'processes'>

/**
 * Puts servers under load in turns, so that whatever else the machine does falls on all of them,
 * and takes the median of every figure. Each trial has a process and a store of its own; those
 * whose turn it is not are idle.
 *
 * @returns one result per trial, in the same order; answers other than 200 are summed up
 */
export async function measureLoad(
  folder: string,
  trials: readonly Trial[],
  plan: Omit<LoadPlan, 'part' | 'targets'>,
): Promise<Load[]> {
  const data = mkdtempSync(join(folder, 'ack-'))
  const servers: Child<Served>[] = []
  try {
    const targets: Target[] = []
    for (const trial of trials) {
      const args = [trial.server, mkdtempSync(join(data, 'store-'))]
      const server = await openChild<Served>('acknowledge/serve.ts', args)
      servers.push(server)
      targets.push({ ...trial, processes: [server.answer] })
    }
    const loads = await runLoad({ ...plan, part: 'ack', targets })
    return loads.map(summarize)
  } finally {
    await Promise.all(servers.map(server => server.close()))
    rmSync(data, { recursive: true })
  }
}

/**
 * Puts servers that are running under load, from a process of its own.
 *
 * @returns for each target, its runs
 */
export async function runLoad(plan: LoadPlan): Promise<Load[][]> {
  const args = [JSON.stringify(plan)]
  const { loads } = await runChild<{ loads: Load[][] }>('acknowledge/load.ts', args)
  return loads
}

/** The median of every figure of several runs; answers other than 200 are summed up. */
export function summarize(loads: readonly Load[]): Load {
  return {
    perSecond: median(loads.map(({ perSecond }) => perSecond)),
    p50Ms: median(loads.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(loads.map(({ p99Ms }) => p99Ms)),
    cpuUs: median(loads.map(({ cpuUs }) => cpuUs)),
    refused: loads.reduce((sum, { refused }) => sum + refused, 0),
  }
}
