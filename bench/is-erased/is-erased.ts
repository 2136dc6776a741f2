import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { runChild } from '../support/child.ts'
import { databasePath } from '../support/erasure.ts'
import { type Figure, printFigures, toMebibytes } from '../support/figure.ts'
import { tell } from '../support/progress.ts'
import type { Ask } from './ask.ts'

const MILLION = 1_000_000
const CALLS = 100_000

/** What it costs a bridge to ask before every event whether its sender was erased. */
export async function measureIsErased(folder: string): Promise<Figure[]> {
  const one = await ask(folder, 1)
  const many = await ask(folder, MILLION)
  const growthBytes = many.rssAfterBytes - many.rssBeforeBytes
  const figures: Figure[] = [
    call('a call, 1 tombstone', one),
    call('a call, 1,000,000 tombstones', many),
    {
      what: 'RSS growth, 1,000,000 tombstones, opening and 100,000 calls',
      value: toMebibytes(growthBytes),
      unit: 'MiB',
      atMost: 64,
    },
    { what: 'opening, 1 tombstone', value: one.openMs, unit: 'ms' },
    { what: 'opening, 1,000,000 tombstones', value: many.openMs, unit: 'ms' },
    { what: 'file, 1,000,000 tombstones', value: many.fileMebibytes, unit: 'MiB' },
  ]
  printFigures('isErased for users who were not, each asked for once', figures)
  return figures
}

function call(what: string, { microsecondsPerCall }: Ask): Figure {
  return { what, value: microsecondsPerCall, unit: 'us', atMost: 20 }
}

async function ask(
  folder: string,
  tombstones: number,
): Promise<Ask & { fileMebibytes: number }> {
  const data = mkdtempSync(join(folder, 'is-erased-'))
  tell(`is-erased: writing tombstones: ${tombstones}`)
  await runChild('is-erased/fill.ts', [data, tombstones])
  const fileMebibytes = toMebibytes(statSync(databasePath(data)).size)
  tell(`is-erased: asking ${CALLS} times`)
  const answer = await runChild<Ask>('is-erased/ask.ts', [data, CALLS])
  rmSync(data, { recursive: true })
  return { ...answer, fileMebibytes }
}
