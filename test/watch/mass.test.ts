import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import t from 'tap'

import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const ACCOUNTS = 200_000
const MAX_BYTES = 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

t.test('200,000 reported accounts fit into 64 MiB', { timeout: 280_000 }, async t => {
  const source = new ListSource({ firstRun: 'baseline' })
  const directory = t.testdir()
  const { erasure, count } = await startWatching(t, directory, [source])
  function* list() {
    for (let index = 0; index < ACCOUNTS; index += 1) {
      yield { userId: `@a-user-of-a-large-homeserver-${index}:example.org`, erased: true }
    }
  }
  const before = usedBytes()
  await source.scan(list())
  const cpu = process.cpuUsage()
  await source.scan(list())
  const { user, system } = process.cpuUsage(cpu)
  const usedMiB = (usedBytes() - before) / 1024 / 1024
  t.comment(`a scan took ${(user + system) / 1e6} s of the processor, ${usedMiB} MiB`)
  t.ok(usedMiB < MAX_BYTES / 1024 / 1024, `${usedMiB} MiB`)
  t.same(source.looks, [])
  t.equal(count('accepted'), 0)
  await erasure.close()

  const again = new ListSource({ firstRun: 'baseline' })
  const cpuOfLoading = process.cpuUsage()
  const second = await startWatching(t, directory, [again])
  const loading = process.cpuUsage(cpuOfLoading)
  t.comment(`loading took ${(loading.user + loading.system) / 1e6} s`)
  await again.scan(list())
  const used = (usedBytes() - before) / 1024 / 1024
  t.comment(`${used} MiB after a restart`)
  t.ok(used < MAX_BYTES / 1024 / 1024, `${used} MiB`)
  t.same(again.looks, [])
  await second.erasure.close()
})
