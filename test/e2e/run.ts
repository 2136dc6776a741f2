// Real people's ways to be erased, on a real Synapse, with two real bridges that nobody tells. Once
// with Synapse on SQLite, once on PostgreSQL. `--on sqlite` or `--on postgres` tells
// only one of them, `--keep` keeps all files, `--seed N` repeats the kills.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { compareAdminApi } from './admin-api.ts'
import { installSynapse, NoPython } from './homeserver/python.ts'
import {
  openPostgres,
  openSqlite,
  type SynapseDatabase,
} from './homeserver/synapse-database.ts'
import { play } from './story/story.ts'

/** How many of a log's last lines are shown when the story fails. */
const LAST_LINES = 25

const { values } = parseArgs({
  options: {
    on: { type: 'string' },
    keep: { type: 'boolean' },
    seed: { type: 'string' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
const directory = mkdtempSync(join(tmpdir(), 'erasure-e2e-'))
const logs: string[] = []
const start = performance.now()

process.once('exit', () => {
  if (!values.keep) rmSync(directory, { recursive: true, force: true })
  else say(`All files are in ${directory}`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(130))

try {
  say('Installing the newest Synapse from PyPI, in an environment of its own …')
  const { python, version } = await installSynapse()
  say('The admin API, as it is and as the tests simulate it')
  const folder = join(directory, 'admin-api')
  mkdirSync(folder)
  await compareAdminApi(python, folder, await openSqlite(folder))
  await tell(`Synapse ${version} on SQLite`, 'sqlite', python, openSqlite)
  await tell(`Synapse ${version} on PostgreSQL`, 'postgres', python, () =>
    openPostgres(postgresUrl()),
  )
  process.exit(0)
} catch (error) {
  fail(error)
}

async function tell(
  title: string,
  name: string,
  python: string,
  open: (folder: string) => Promise<SynapseDatabase>,
): Promise<void> {
  if (values.on !== undefined && values.on !== name) return
  say(`\n${title}, seed ${seed}`)
  const folder = join(directory, name)
  mkdirSync(folder)
  const database = await open(folder)
  logs.length = 0
  const options = { python, directory: folder, database, onLog: addLog }
  await play(options, seed, say).finally(database.drop)
}

/** The server that with-server.ts has started. */
function postgresUrl(): string {
  const { DATABASE_URL: url } = process.env
  if (url === undefined) throw new Error('DATABASE_URL is not set: use npm run test:e2e')
  return url
}

function addLog(path: string): void {
  logs.push(path)
}

function say(text: string): void {
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6)
  console.log(text.replace(/^\n?/, prefix => `${prefix}${seconds} s  `))
}

function fail(error: unknown): never {
  if (error instanceof NoPython) {
    console.error(error.message)
    process.exit(2)
  }
  const stack = error instanceof Error ? error.stack : String(error)
  for (const path of logs.filter(existsSync)) {
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n').slice(-LAST_LINES)
    console.error(`\n== The end of ${path}\n${lines.join('\n')}`)
  }
  console.error(`\nThe end-to-end test failed, with --seed ${seed}: ${stack}`)
  process.exit(1)
}
