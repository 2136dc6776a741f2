// Applies each mutant in a temporary copy of the repository and runs its tests there. One line a
// mutant: caught by which test, or survived. Fails if any survived, or no longer applies.
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { ROOT } from '../../support/run-program.ts'
import { MUTANTS } from './mutants.ts'
import type { Mutant } from './mutant.ts'

/** A test that hangs because of a mutant has noticed it too. */
const TIMEOUT_MS = 120_000
const PARTS = [
  'lib',
  'test',
  'examples',
  'docs',
  'package.json',
  'README.md',
  'registration.sample.yaml',
]

function copyRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), 'erasure-mutants-'))
  for (const part of PARTS)
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Runs a test file; the title of the first test that failed, or undefined if none did. */
function firstFailure(copy: string, test: string): string | undefined {
  const args = ['--conditions=erasure-source', test]
  const { NODE_OPTIONS: _options, ...env } = process.env
  const options = { cwd: copy, encoding: 'utf8', timeout: TIMEOUT_MS, env } as const
  const { status, stdout, signal } = spawnSync(process.execPath, args, options)
  if (status === 0) return undefined
  const title = /^not ok \d+ - (.*?)(?: # .*)?$/m.exec(stdout)?.[1]
  return title ?? (signal === null ? `${test} did not run` : `${test} hung`)
}

function catchMutant(
  copy: string,
  { file, replace, by, tests }: Mutant,
): string | undefined {
  const path = join(copy, file)
  const original = readFileSync(path, 'utf8')
  if (original.split(replace).length !== 2)
    throw new Error(`${file} does not hold once: ${replace}`)
  writeFileSync(
    path,
    original.replace(replace, () => by),
  )
  try {
    for (const test of tests) {
      const failure = firstFailure(copy, test)
      if (failure !== undefined) return `${test}: ${failure}`
    }
    return undefined
  } finally {
    writeFileSync(path, original)
  }
}

/** @returns how many survived */
function tryMutants(copy: string, promise: string, mutants: readonly Mutant[]): number {
  let survived = 0
  for (const mutant of mutants) {
    const caught = catchMutant(copy, mutant)
    if (caught === undefined) survived += 1
    const verdict = caught === undefined ? '**survived**' : `caught by ${caught}`
    console.log(`${promise}  ${mutant.what}: ${verdict}`)
  }
  return survived
}

const { values } = parseArgs({ options: { promise: { type: 'string' } } })
const chosen = Object.entries(MUTANTS).filter(
  ([promise]) => values.promise === undefined || promise === values.promise,
)
const copy = copyRepository()
process.once('exit', () => rmSync(copy, { recursive: true, force: true }))
process.once('SIGINT', () => process.exit(130))

const all = chosen.flatMap(([, mutants]) => mutants)
for (const test of new Set(all.flatMap(({ tests }) => tests))) {
  const failure = firstFailure(copy, test)
  if (failure === undefined) continue
  console.log(`${test} fails without any mutant: ${failure}`)
  process.exit(1)
}
const survived = chosen
  .map(([promise, mutants]) => tryMutants(copy, promise, mutants))
  .reduce((sum, count) => sum + count, 0)
console.log(`${all.length} mutants, ${survived} survived`)
process.exitCode = survived === 0 && all.length > 0 ? 0 : 1
