// Accepts requests for one new user after the other, eight at a time, on the files in the folder
// argv[2], and tells who has been acknowledged. Their numbers begin at argv[3].
import { join } from 'node:path'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { REGISTRATION } from './open-erasure.ts'

const AT_ONCE = 8

const [folder = '', first = '0'] = process.argv.slice(2)
const erasure = await createErasure({
  registration: REGISTRATION,
  key: join(folder, 'erasure.key'),
  store: sqliteStore({ path: join(folder, 'erasure.db') }),
})
// Whoever started this has ended.
process.on('disconnect', () => process.exit())

let next = Number(first)
async function acceptOneByOne(): Promise<void> {
  for (;;) {
    const number = next++
    await erasure.accept(`@user-${number}:example.org`)
    process.send?.(number)
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, acceptOneByOne))
