// Writes more to the store at argv[2] than its disk takes, then less; prints how each ended.
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'

const store = sqliteStore({ path: process.argv[2] ?? '' })
const rows = Array.from({ length: 2000 }, (_, row) => ({
  key: `row-${row}`,
  value: 'x'.repeat(900),
}))
const ended = await Promise.allSettled([store.set('small', '1'), store.setMany?.(rows)])
await store.set('later', '1')
const found = await Promise.all(['small', 'row-0', 'later'].map(key => store.get(key)))
console.log(
  JSON.stringify({ ended: ended.map(({ status }) => status), found: found.map(Boolean) }),
)
await store.disconnect?.()
