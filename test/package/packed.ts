import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Test } from 'tap'

import { ROOT } from '../support/program.ts'

const execute = promisify(execFile)

/** How a command ended, and everything it wrote. */
export interface Ran {
  readonly code: number
  readonly output: string
}

/** Runs a command outside the repository, with no condition that leads to our sources. */
export async function run(
  folder: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const options = { cwd: folder, env: { ...outsideEnv(), ...env }, timeout: 300_000 }
  try {
    const { stdout, stderr } = await execute(command, args, options)
    return { code: 0, output: stdout + stderr }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as Partial<Record<string, string>>
    return { code: Number(code ?? 1) || 1, output: stdout + stderr }
  }
}

/** Our own environment, without what npm and tap add for this repository. */
export function outsideEnv(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    name => !/^(npm_|TAP|NODE_OPTIONS)/.test(name),
  )
  return Object.fromEntries(names.map(name => [name, process.env[name]]))
}

/** An empty folder outside the repository, so that nothing is found in our node_modules. */
export function emptyFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'erasure-consumer-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Packs the package as it would be published, and returns the path of the tarball. */
export async function pack(t: Test): Promise<string> {
  const folder = emptyFolder(t)
  const { code, output } = await run(ROOT, 'npm', [
    'pack',
    '--json',
    '--pack-destination',
    folder,
  ])
  const [name] = /matrix-appservice-erasure-[\d.]+\.tgz/.exec(output) ?? []
  if (code !== 0 || name === undefined) throw new Error(`npm pack failed:\n${output}`)
  return join(folder, name)
}
