import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { runChild } from '../support/child.ts'
import { type Figure, printFigures, toMebibytes } from '../support/figure.ts'
import { tell } from '../support/progress.ts'
import type { Begin, Moment } from './begin.ts'

const OPEN_REQUESTS = 100_000

/** How a process starts that finds a hundred thousand open requests. */
export async function measureStart(folder: string): Promise<Figure[]> {
  const data = mkdtempSync(join(folder, 'start-'))
  tell(`start: accepting ${OPEN_REQUESTS} requests`)
  const args = [data, OPEN_REQUESTS]
  const { open } = await runChild<{ open: number }>('start/prepare.ts', args)
  if (open !== OPEN_REQUESTS) throw new Error(`Only ${open} requests are open`)
  tell('start: starting on them')
  const begin = await runChild<Begin>('start/begin.ts', [data])
  rmSync(data, { recursive: true })
  const figures = describe(begin)
  printFigures('Start with 100,000 open requests', figures)
  return figures
}

function describe({ opened, firstCall, allScheduled }: Begin): Figure[] {
  return [
    { what: 'until the store is open', value: opened.afterMs, unit: 'ms' },
    {
      what: 'until the first handler is called',
      value: firstCall.afterMs,
      unit: 'ms',
      atMost: 1000,
    },
    { what: 'until all are scheduled', value: allScheduled.afterMs, unit: 'ms' },
    memory('RSS when the first handler is called', firstCall),
    memory('RSS when all are scheduled', allScheduled),
  ]
}

function memory(what: string, { rssBytes }: Moment): Figure {
  return { what, value: toMebibytes(rssBytes), unit: 'MiB', atMost: 200 }
}
