import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { openChild, runChild } from '../support/child.ts'
import { type Figure, printFigures, toMebibytes } from '../support/figure.ts'
import { median } from '../support/median.ts'
import type { Homeserver } from './serve.ts'
import type { Watch } from './watch.ts'

const ACCOUNTS = 200_000

/** What it costs a bridge to look every minute for whoever is erased on a large homeserver. */
export async function measureScan(folder: string): Promise<Figure[]> {
  const data = mkdtempSync(join(folder, 'scan-'))
  const homeserver = await openChild<Homeserver>('scan/serve.ts', [ACCOUNTS])
  const url = `http://127.0.0.1:${homeserver.answer.port}`
  const first = await runChild<Watch>('scan/watch.ts', [data, url])
  // As after a restart: what the first run needed is gone.
  const watch = await runChild<Watch>('scan/watch.ts', [data, url])
  await homeserver.close()
  rmSync(data, { recursive: true })
  const figures = describe(first, watch)
  printFigures('A scan of 200,000 erased accounts, all of them reported', figures)
  return figures
}

function describe({ first }: Watch, { scans, before, after }: Watch): Figure[] {
  const cpuMs = scans.map(scan => scan.cpuMs)
  return [
    { what: 'processor time of a scan', value: median(cpuMs), unit: 'ms', atMost: 2000 },
    { what: 'the most of five', value: Math.max(...cpuMs), unit: 'ms' },
    { what: 'a scan, median', value: median(scans.map(scan => scan.tookMs)), unit: 'ms' },
    {
      what: 'growth of RSS',
      value: toMebibytes(after.rssBytes - before.rssBytes),
      unit: 'MiB',
      atMost: 64,
    },
    {
      what: 'growth of the memory in use',
      value: toMebibytes(after.usedBytes - before.usedBytes),
      unit: 'MiB',
    },
    { what: 'processor time of the first run', value: first.cpuMs, unit: 'ms' },
  ]
}
