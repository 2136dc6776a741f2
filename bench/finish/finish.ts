import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { runChild } from '../support/child.ts'
import { type Figure, printFigures, toMebibytes } from '../support/figure.ts'
import type { Sample } from './carry-out.ts'

/** Whether carrying out requests leaves anything behind in memory. */
export async function measureFinishing(folder: string, count: number): Promise<Figure[]> {
  const data = mkdtempSync(join(folder, 'finish-'))
  const { samples } = await runChild<{ samples: Sample[] }>('finish/carry-out.ts', [
    data,
    count,
  ])
  rmSync(data, { recursive: true })
  const figures = describe(samples)
  printFigures(`Finishing ${count.toLocaleString('en-US')} requests`, figures)
  return figures
}

function describe(samples: readonly Sample[]): Figure[] {
  const early = samples[Math.round(samples.length / 10) - 1]
  const last = samples.at(-1)
  if (early === undefined || last === undefined) throw new Error('Nothing was finished')
  const rssBytes = samples.map(sample => sample.rssBytes)
  return [
    {
      what: 'requests accepted and finished',
      value: (last.finished / last.afterMs) * 1000,
      unit: 'per second',
    },
    memory('RSS after the first 10 %', early.rssBytes),
    memory('RSS at the end', last.rssBytes),
    memory('highest RSS in between', Math.max(...rssBytes)),
    memory('JavaScript heap after the first 10 %', early.heapBytes),
    memory('JavaScript heap at the end', last.heapBytes),
    { ...memory('RSS growth', last.rssBytes - early.rssBytes), atMost: 16 },
  ]
}

function memory(what: string, sizeBytes: number): Figure {
  return { what, value: toMebibytes(sizeBytes), unit: 'MiB' }
}
