// Measures the package against its goals in one run. See README.md for what the figures mean.
import { mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { measureAcknowledging } from './acknowledge/acknowledge.ts'
import { measureFinishing } from './finish/finish.ts'
import { measureIsErased } from './is-erased/is-erased.ts'
import { measurePostgres } from './postgres/measure-postgres.ts'
import { measureStart } from './start/start.ts'
import { type Arguments, parseArguments, type Part, PARTS } from './support/arguments.ts'
import { type Figure, isMet } from './support/figure.ts'
import { measureSync, printMachine } from './support/machine.ts'
import { tell } from './support/progress.ts'

type Measure = (folder: string, options: Arguments) => Promise<Figure[]>

const MEASURES: Readonly<Record<Part, Measure>> = {
  ack: measureAcknowledging,
  start: measureStart,
  'is-erased': measureIsErased,
  finish: (folder, { finish }) => measureFinishing(folder, finish),
  postgres: measurePostgres,
}

/** Beside this file and not in the system's temporary folder, which may be memory. */
const DATA = join(import.meta.dirname, 'data')

async function run(options: Arguments): Promise<void> {
  mkdirSync(DATA, { recursive: true })
  const folder = mkdtempSync(join(DATA, 'run-'))
  process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
  process.once('exit', () => removeData(folder))
  printMachine(folder, measureSync(folder))
  const figures: Figure[] = []
  for (const part of PARTS) {
    if (!options.only.has(part)) continue
    const startedAt = performance.now()
    figures.push(...(await MEASURES[part](folder, options)))
    tell(`${part} took ${Math.round((performance.now() - startedAt) / 1000)} s`)
  }
  const verdicts = figures.map(isMet).filter(met => met !== undefined)
  const met = verdicts.filter(Boolean).length
  console.log(`\n${met} of ${verdicts.length} goals are met.`)
}

function removeData(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  if (readdirSync(DATA).length === 0) rmdirSync(DATA)
}

let options: Arguments | undefined
try {
  options = parseArguments(process.argv.slice(2))
} catch (error) {
  tell(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
if (options !== undefined) await run(options)
