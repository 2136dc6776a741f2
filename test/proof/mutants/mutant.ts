import { readdirSync, readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

import { applyPatch, parsePatch } from 'diff'
import type { StructuredPatch } from 'diff'

/** A deliberate defect in our own code that breaks a promise, and the tests that must notice. */
export interface Mutant {
  /** The folder it lies in. */
  readonly promise: string
  /** The promise's folder and the patch's name. */
  readonly name: string
  /** What is broken, in a few words. */
  readonly what: string
  /** Test files, most likely to notice first. */
  readonly tests: readonly string[]
  /** A unified diff of one file. */
  readonly patch: StructuredPatch
  /** The file it changes. */
  readonly file: string
}

/** Every `<promise>/<name>.patch` beside this file, by name. */
export function readMutants(): Mutant[] {
  const folder = import.meta.dirname
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.patch'))
    .toSorted()
    .map(path => parseMutant(path, readFileSync(join(folder, path), 'utf8')))
}

function parseMutant(path: string, text: string): Mutant {
  const header = (name: string) => new RegExp(`^${name}: (.+)$`, 'm').exec(text)?.[1]
  const [what, tests] = [header('what'), header('tests')]
  const [patch, ...others] = parsePatch(text)
  const file = patch?.newFileName?.replace(/^b\//, '')
  if (what === undefined || tests === undefined)
    throw new Error(`${path} begins with what: … and tests: …`)
  if (patch === undefined || file === undefined || others.length > 0)
    throw new Error(`${path} is a unified diff of one file`)
  const [promise = ''] = path.split('/')
  const name = path.replace(/\.patch$/, '')
  return { promise, name, what, tests: tests.split(' '), patch, file }
}

/**
 * The file as the mutant has it. Its lines may have moved, be indented otherwise, and have other
 * lines around them.
 * @throws if they are not there, nothing changes, or what comes of it is not TypeScript: that any
 *   test notices
 */
export function mutate(source: string, { patch, file }: Mutant): string {
  const compareLine = (_number: number, line: string, _operation: string, own: string) =>
    line.trim() === own.trim()
  const mutated =
    applyPatch(source, patch, { compareLine }) ||
    applyPatch(source, withoutContext(patch), { compareLine })
  if (mutated === false) throw new Error(`it no longer applies to ${file}`)
  if (mutated === source) throw new Error(`it changes nothing in ${file}`)
  stripTypeScriptTypes(mutated)
  return mutated
}

/** Without the lines before the first change and behind the last; those in between are part of it. */
function withoutContext(patch: StructuredPatch): StructuredPatch {
  const hunks = patch.hunks.map(hunk => {
    const isChange = (line: string) => !line.startsWith(' ')
    const first = hunk.lines.findIndex(isChange)
    const lines = hunk.lines.slice(first, hunk.lines.findLastIndex(isChange) + 1)
    const count = (sign: string) => lines.filter(line => !line.startsWith(sign)).length
    return { ...hunk, lines, newLines: count('-'), oldLines: count('+') }
  })
  return { ...patch, hunks }
}
