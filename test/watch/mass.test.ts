import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import t from 'tap'

import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { systemClock } from '../../lib/host/clock.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { createUserSeal, type UserTag } from '../../lib/user-seal/user-seal.ts'
import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const ACCOUNTS = 200_000
const PAGE = 20_000
const MAX_MIB = 64
const KEY = Buffer.alloc(32, 1)

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedMiB(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 1024 / 1024
}

function userAt(index: number): string {
  return `@a-user-of-a-large-homeserver-${index}:example.org`
}

/** Notes all accounts as reported by the source `test`, as an earlier process did. */
async function reportAll(directory: string): Promise<void> {
  const adapter = sqliteStore({ path: join(directory, 'erasure.db') })
  const store = openErasureStore(adapter, false, systemClock)
  const seal = createUserSeal(KEY)
  await store.setKeyCheck(seal.keyCheck)
  for (let from = 0; from < ACCOUNTS; from += PAGE) {
    const tags: UserTag[] = []
    for (let at = from; at < from + PAGE; at += 1) {
      tags.push(seal.tag(parseUserId(userAt(at))))
    }
    const state = await store.sources.seeState('test')
    await store.sources.noteReported('test', tags, state)
  }
  await store.close()
}

t.test('200,000 reported accounts fit into 64 MiB', { timeout: 280_000 }, async t => {
  const directory = t.testdir()
  await reportAll(directory)
  const before = usedMiB()
  const source = new ListSource()
  const options = { key: KEY }
  const { erasure } = await startWatching(t, directory, [source], options)
  function* list() {
    for (let at = 0; at < ACCOUNTS; at += 1) yield { userId: userAt(at), erased: true }
  }
  await source.scan(list())
  const used = usedMiB() - before
  t.ok(used < MAX_MIB, `${used} MiB`)
  t.same(source.looks, [], 'none of them is new')
  await erasure.close()
})
