import { execaSync } from 'execa'

import { startProgram } from '../../support/program.ts'
import type { SilentTold } from './silent-clients.ts'

const PROGRAM = 'test/proof/fuzz/silent-clients.ts'
/** What a process has open besides the connections of the test. */
const OTHER_FILES = 200

/** How many connections one process may have: not more than `wanted`, nor than the machine allows. */
export function allowedConnections(wanted: number): number {
  const limit = execaSync('sh', ['-c', 'ulimit -Hn']).stdout
  return limit === 'unlimited' ? wanted : Math.min(wanted, Number(limit) - OTHER_FILES)
}

/** Connections to a server that send nothing, held by another process. */
export interface Silence {
  readonly open: number
  /** When all have ended: what came on how many of them. */
  readonly endings: Promise<Readonly<Record<string, number>>>
}

/** Opens so many connections that send nothing. */
export async function openSilence(port: number, count: number): Promise<Silence> {
  const clients = startProgram(PROGRAM, [String(port), String(count)], { ipc: true })
  const told = async () => (await clients.told()) as SilentTold
  const first = await told()
  if (!('open' in first)) throw new Error('The clients have ended before all were open')
  const endings = told().then(second => ('endings' in second ? second.endings : {}))
  return { open: first.open, endings }
}
