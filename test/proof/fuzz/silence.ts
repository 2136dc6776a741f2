import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import type { SilentTold } from './silent-clients.ts'

const PROGRAM = fileURLToPath(new URL('./silent-clients.ts', import.meta.url))
/** What a process has open besides the connections of the test. */
const OTHER_FILES = 200

/** How many connections one process may have: not more than `wanted`, nor than the machine allows. */
export function allowedConnections(wanted: number): number {
  const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
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
  const { NODE_OPTIONS: _options, ...env } = process.env
  const child = fork(PROGRAM, [String(port), String(count)], { execArgv: [], env })
  const told = async () => {
    const [message] = (await once(child, 'message')) as [SilentTold]
    return message
  }
  const first = await told()
  if (!('open' in first)) throw new Error('The clients have ended before all were open')
  const endings = told().then(second => ('endings' in second ? second.endings : {}))
  return { open: first.open, endings }
}
