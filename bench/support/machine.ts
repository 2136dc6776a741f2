import {
  closeSync,
  fdatasyncSync,
  openSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'

import { toMebibytes } from './figure.ts'
import { median } from './median.ts'
import { print, printTable } from './table.ts'

const PAGE_BYTES = 4096
const SYNCS = 1000

/** What Linux calls the kinds of file system one is likely to meet; statfs(2) lists them. */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlayfs',
  0x01021994: 'tmpfs, where nothing is durable and fsync is free',
}

/** What one fdatasync of 4 KiB costs, in microseconds. */
export interface SyncCost {
  /** Behind the end of a file, which has to be told that it has grown. */
  readonly appending: number
  /** Over what is there, as a write-ahead log does once it has been around. */
  readonly overwriting: number
}

/** Prints what the figures were measured on. */
export function printMachine(folder: string, sync: SyncCost): void {
  const cores = cpus()
  const { type } = statfsSync(folder)
  const rows = [
    ['processor', `${cores[0]?.model.trim() ?? 'unknown'}, ${cores.length} cores`],
    ['memory', `${print(Math.round(toMebibytes(totalmem())))} MiB`],
    ['Node', process.version],
    ['file system of the data', FILE_SYSTEMS[type] ?? `type 0x${type.toString(16)}`],
    ['one fdatasync of 4 KiB, overwriting', `${print(sync.overwriting)} us`],
    ['one fdatasync of 4 KiB, appending', `${print(sync.appending)} us`],
    ['load when the benchmark began', print(loadavg()[0] ?? 0)],
  ]
  printTable('Machine', ['', ''], rows)
  console.log(
    '\nAbsolute figures move with the machine, and where cores are few, whoever sends the\n' +
      'requests takes time from whoever answers them: the ratios are the point.',
  )
}

/** Measures what a disk write costs that survives a power cut; the median of a thousand. */
export function measureSync(folder: string): SyncCost {
  const path = join(folder, 'sync.bin')
  const file = openSync(path, 'w')
  const cost = { appending: syncPages(file), overwriting: syncPages(file) }
  closeSync(file)
  rmSync(path)
  return cost
}

function syncPages(file: number): number {
  const page = Buffer.alloc(PAGE_BYTES, 1)
  const costs = Array.from({ length: SYNCS }, (_, index) => {
    const startedAt = performance.now()
    writeSync(file, page, 0, PAGE_BYTES, index * PAGE_BYTES)
    fdatasyncSync(file)
    return (performance.now() - startedAt) * 1000
  })
  return median(costs)
}
