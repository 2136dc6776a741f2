// Applies each mutant in a temporary copy of the repository and runs its tests there, two at a time.
// One line a mutant: caught by which test, or survived. Fails if one survived or no longer applies,
// or if a test fails without any mutant. --only SUBSTRING of a name; --promise FOLDER; --apply: no tests.
import {
  accessSync,
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

import { execa } from 'execa'

import { ownEnvironment, ROOT } from '../../support/program.ts'
import { mutate, readMutants } from './mutant.ts'
import type { Mutant } from './mutant.ts'

/** A test that hangs because of a mutant has noticed it too: ten times what it takes without. */
const PATIENCE = 10
const MIN_TIMEOUT_MS = 120_000
/** For a test of which nobody knows yet how long it takes. */
const FIRST_TIMEOUT_MS = 20 * 60_000
const JOBS = 2
const PARTS = [
  'lib',
  'test',
  'examples',
  'docs',
  'package.json',
  'README.md',
  'registration.sample.yaml',
]

/** How long each test takes without any mutant. */
const tookMs = new Map<string, number>()

function copyRepository(): string {
  const copy = mkdtempSync(join(tmpdir(), 'erasure-mutants-'))
  for (const part of PARTS)
    cpSync(join(ROOT, part), join(copy, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

/** Runs a test file; the title of the first test that failed, or undefined if none did. */
async function firstFailure(copy: string, test: string): Promise<string | undefined> {
  const args = ['--conditions=erasure-source', test]
  const took = tookMs.get(test)
  const timeout =
    took === undefined
      ? FIRST_TIMEOUT_MS
      : Math.max(MIN_TIMEOUT_MS, Math.ceil(PATIENCE * took))
  const { exitCode, stdout, timedOut } = await execa(process.execPath, args, {
    cwd: copy,
    extendEnv: false,
    env: { ...ownEnvironment(), TAP_BAIL: '1', TAP_TIMEOUT: String(timeout / 1000) },
    stdin: 'ignore',
    stderr: 'ignore',
    timeout,
    killSignal: 'SIGKILL',
    reject: false,
  })
  if (exitCode === 0) return undefined
  const title = /^ *not ok \d+ - (.*?)(?: # .*)?$/m.exec(stdout)?.[1]
  return title ?? (timedOut ? `${test} hung` : `${test} did not run`)
}

async function verdictOn(copy: string, mutant: Mutant): Promise<string | undefined> {
  const path = join(copy, mutant.file)
  const original = readFileSync(path, 'utf8')
  writeFileSync(path, mutate(original, mutant))
  try {
    for (const test of mutant.tests) {
      const failure = await firstFailure(copy, test)
      if (failure !== undefined) return `${test}: ${failure}`
    }
    return undefined
  } finally {
    writeFileSync(path, original)
  }
}

/** Has the work done in `JOBS` copies, each piece in one of them. */
async function inCopies<Piece>(
  pieces: readonly Piece[],
  work: (copy: string, piece: Piece) => Promise<void>,
): Promise<void> {
  const waiting = pieces.values()
  await Promise.all(
    copies.map(async copy => {
      for (const piece of waiting) await work(copy, piece)
    }),
  )
}

/** @returns whether all pass, as they must */
async function passWithout(tests: readonly string[]): Promise<boolean> {
  let passed = true
  await inCopies(tests, async (copy, test) => {
    const startedAt = performance.now()
    const failure = await firstFailure(copy, test)
    tookMs.set(test, performance.now() - startedAt)
    if (failure === undefined) return
    console.log(`${test} fails without any mutant: ${failure}`)
    passed = false
  })
  return passed
}

/** @returns whether all were caught */
async function allCaught(mutants: readonly Mutant[]): Promise<boolean> {
  let survived = 0
  await inCopies(mutants, async (copy, mutant) => {
    const caughtBy = await verdictOn(copy, mutant)
    if (caughtBy === undefined) survived += 1
    const verdict = caughtBy === undefined ? '**survived**' : `caught by ${caughtBy}`
    console.log(`${mutant.name}: ${verdict}`)
  })
  console.log(`${mutants.length} mutants, ${survived} survived`)
  return survived === 0
}

function applies(mutant: Mutant): boolean {
  try {
    mutate(readFileSync(join(ROOT, mutant.file), 'utf8'), mutant)
    for (const test of mutant.tests) accessSync(join(ROOT, test))
    return true
  } catch (error) {
    console.log(
      `${mutant.name}: ${error instanceof Error ? error.message : String(error)}`,
    )
    return false
  }
}

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    promise: { type: 'string' },
    apply: { type: 'boolean', default: false },
  },
})
const chosen = readMutants()
  .filter(({ promise }) => values.promise === undefined || promise === values.promise)
  .filter(({ name }) => name.includes(values.only))
if (chosen.length === 0) throw new Error('No such mutant')
const applicable = chosen.filter(applies)
const copies = values.apply ? [] : Array.from({ length: JOBS }, copyRepository)
process.once('exit', () => {
  for (const copy of copies) rmSync(copy, { recursive: true, force: true })
})
process.once('SIGINT', () => process.exit(130))

const tests = new Set(applicable.flatMap(mutant => mutant.tests))
const isWell =
  values.apply || ((await passWithout([...tests])) && (await allCaught(applicable)))
process.exitCode = isWell && applicable.length === chosen.length ? 0 : 1
