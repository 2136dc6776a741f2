import { parseArgs } from 'node:util'

/** The parts of the benchmark, in the order they run. */
export const PARTS = ['ack', 'start', 'is-erased', 'finish', 'postgres'] as const

/** One part of the benchmark. */
export type Part = (typeof PARTS)[number]

/** What the command line asks for. */
export interface Arguments {
  readonly only: ReadonlySet<Part>
  /** How many requests the part `finish` carries out. */
  readonly finish: number
}

/** As many as a machine of two slow cores finishes in about five minutes. */
const DEFAULT_FINISH = 1_000_000
/** With fewer, the heap is still growing to its working size after the first tenth. */
const MIN_FINISH = 100_000

/** @throws TypeError naming what is wrong with the command line */
export function parseArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: { only: { type: 'string' }, finish: { type: 'string' } },
  })
  const finish = Number(values.finish ?? DEFAULT_FINISH)
  if (!Number.isSafeInteger(finish) || finish < MIN_FINISH) {
    throw new TypeError(`Expected --finish to be an integer >= ${MIN_FINISH}`)
  }
  return { only: parseParts(values.only), finish }
}

function parseParts(list: string | undefined): Set<Part> {
  if (list === undefined) return new Set(PARTS)
  const parts = list.split(',').map(name => {
    const part = PARTS.find(known => known === name)
    if (part !== undefined) return part
    throw new TypeError(`Expected --only to list parts of ${PARTS.join(',')}`)
  })
  return new Set(parts)
}
