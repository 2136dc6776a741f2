// Makes the virtual environment that Synapse runs in. Nothing is installed anywhere else.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { ROOT } from '../support/program.ts'

const run = promisify(execFile)

/** There is no Python to make an environment with. */
export class NoPython extends Error {}

/** Finds Python 3.10 or newer, which Synapse needs. */
async function findPython(): Promise<string> {
  for (const name of ['python3', 'python']) {
    const check = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'
    const found = await run(name, ['-c', check]).catch(() => undefined)
    if (found !== undefined) return name
  }
  throw new NoPython(
    'The end-to-end test runs a real Synapse and needs Python 3.10 or newer with the venv module',
  )
}

/** An environment with the newest Synapse from PyPI. */
export interface SynapseInstall {
  readonly python: string
  readonly version: string
}

/** Installs Synapse, or brings an earlier installation up to date. */
export async function installSynapse(): Promise<SynapseInstall> {
  const found = await findPython()
  const cache = join(ROOT, 'node_modules/.cache/matrix-appservice-erasure')
  const environment = join(cache, 'synapse')
  const python = join(environment, 'bin/python')
  mkdirSync(cache, { recursive: true })
  if (!existsSync(python)) await run(found, ['-m', 'venv', environment])
  const install = ['-m', 'pip', 'install', '--quiet', '--upgrade', 'matrix-synapse']
  await run(python, install, { maxBuffer: 16 * 1024 * 1024 })
  const { stdout } = await run(python, [
    '-c',
    'import importlib.metadata as m; print(m.version("matrix-synapse"))',
  ])
  return { python, version: stdout.trim() }
}
