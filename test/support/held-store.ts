// A process that has the store at argv[2] open and does as it is told, one message at a time.
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { findResidue } from '../../lib/testing/handlers/find-residue.ts'

const path = process.argv[2] ?? ''
const folder = dirname(path)
const store = sqliteStore({ path })

/** What a bridge's process may do to the files it has open. */
const acts: Record<string, (argument: string) => unknown> = {
  nothing() {},
  set: key => store.set(key, `value of ${key}`),
  get: key => store.get(key),
  'open a second store': name =>
    sqliteStore({ path: join(folder, name || basename(path)) }),
  'open a store for reading': async () => {
    const reader = sqliteStore({ path, readOnly: true })
    await reader.get('before')
    await reader.disconnect?.()
  },
  findResidue: () => findResidue('@nobody-at-all:example.org', [folder]).length,
  'read the folder': () =>
    readdirSync(folder).map(name => readFileSync(join(folder, name)).length),
  'copy the folder': () => cpSync(folder, `${folder}-copy`, { recursive: true }),
  close: () => store.disconnect?.(),
}

process.on('message', ({ act, argument }: { act: string; argument: string }) => {
  const done = async () => acts[act]?.(argument)
  done().then(
    result => process.send?.({ result: result ?? null }),
    (error: Error & { code?: string }) =>
      process.send?.({ code: error.code ?? error.message }),
  )
})
// Whoever started this has ended.
process.on('disconnect', () => process.exit())
process.send?.({ result: 'open' })
