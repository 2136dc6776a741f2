// The story of the demo on a real Synapse: people join and write, one deactivates with erase, the
// erase request is sent as the homeserver would send it, the bridge is killed in the middle of the
// purge, the late leaves arrive, and nothing is left of Bob, and the neighbours are untouched.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { installSynapse, NoPython } from './python.ts'
import { play } from './story.ts'

const say = (text: string) => console.log(text)
const directory = mkdtempSync(join(tmpdir(), 'erasure-e2e-'))
const isKept = process.argv.includes('--keep')
process.once('exit', () => {
  if (!isKept) rmSync(directory, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(130))

try {
  say('Installing the newest Synapse from PyPI, in an environment of its own …')
  const { python, version } = await installSynapse()
  say(`Synapse ${version}`)
  writeFileSync(join(directory, 'version'), version)
  await play(python, directory, say)
  process.exit(0)
} catch (error) {
  if (error instanceof NoPython) {
    console.error(error.message)
    process.exit(2)
  }
  console.error(
    `The end-to-end test failed: ${error instanceof Error ? error.stack : String(error)}`,
  )
  process.exit(1)
}
