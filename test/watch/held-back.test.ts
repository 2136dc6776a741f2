import { writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import t from 'tap'

import { runCli } from '../../lib/cli/run-cli.ts'
import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const users = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `@user${from + index}:example.org`)

/** The operator's command line beside the running application service. */
async function cli(directory: string, ...args: string[]) {
  let stdout = ''
  let stderr = ''
  async function* stdin() {
    yield ''
  }
  const code = await runCli(
    args,
    { DATA_DIR: directory },
    {
      stdin: stdin(),
      stdout: { write: text => (stdout += text) },
      stderr: { write: text => (stderr += text) },
    },
  )
  return { code, stdout, stderr }
}

t.test(
  'a scan that finds too many erases nobody until an operator allows it',
  async t => {
    const directory = t.testdir()
    const source = new ListSource({ maxPerScan: 3 })
    const { erasure, clock, count } = await startWatching(t, directory, [source])
    await source.scan()
    await clock.advance(0)
    source.set('erased', ...users(0, 4))
    await source.scan()
    await source.scan()
    t.equal(count('accepted'), 0)
    t.equal(count('source held back'), 1, 'said once')
    t.same(source.looks, [])
    const since = new Date(clock.now())
    t.match(await erasure.status(), {
      sources: [{ code: 'SOURCE_HELD_BACK', since, heldBack: 4, lastSuccessAt: since }],
    })
    t.match(await cli(directory, 'sources'), { stdout: /SOURCE_HELD_BACK .*4 held back/ })
    t.match(await cli(directory, 'status'), { stdout: /SOURCE_HELD_BACK .*4 held back/ })

    t.match(await cli(directory, 'sources', 'allow', 'other'), {
      code: 2,
      stderr: /no such source; there are: test/,
    })
    t.match(await cli(directory, 'sources', 'allow', 'test'), {
      code: 0,
      stdout: /erases the 4 users/,
    })
    await source.scan()
    t.equal(count('accepted'), 4)
    t.match(await erasure.status(), { sources: [{ heldBack: 0, code: undefined }] })
    t.match(await cli(directory, 'sources', 'allow', 'test'), {
      code: 2,
      stderr: /holds nobody back/,
    })
    const files = await readdir(directory)
    t.notOk(
      files.some(name => /letter|draft/.test(name)),
      'the word is taken in',
    )

    source.set('erased', ...users(4, 8))
    await source.scan()
    t.equal(count('accepted'), 4, 'one word is for one scan')
    t.equal(count('source held back'), 2)
    source.set('present', ...users(5, 8))
    await source.scan()
    t.equal(count('accepted'), 5, 'when they are few again, they are erased')
  },
)

t.test('a word allows as many as were held back, and no more', async t => {
  const directory = t.testdir()
  const source = new ListSource({ maxPerScan: 3 })
  const { erasure, clock, count } = await startWatching(t, directory, [source])
  await source.scan()
  await clock.advance(0)
  source.set('erased', ...users(0, 4))
  await source.scan()
  await cli(directory, 'sources', 'allow', 'test')
  source.set('erased', ...users(4, 8))
  await source.scan()
  t.equal(count('accepted'), 0, '8 are more than the 4 that were allowed and 3 more')
  source.set('present', ...users(7, 8))
  await source.scan()
  t.equal(count('accepted'), 7)
  await erasure.close()
})

t.test('a word outlives a restart, and what is no letter is thrown away', async t => {
  const directory = t.testdir()
  const source = new ListSource({ maxPerScan: 1 })
  source.set('erased', ...users(0, 3))
  const first = await startWatching(t, directory, [source])
  await source.scan()
  await first.erasure.close()
  writeFileSync(join(directory, 'erasure.db.letter-1'), '{"key": 5}')
  writeFileSync(join(directory, 'erasure.db.letter-2'), 'nothing')
  await cli(directory, 'sources', 'allow', 'test')
  const second = await startWatching(t, directory, [source])
  await source.scan()
  await second.clock.advance(60_000)
  t.equal(second.count('accepted'), 3)
  t.same(
    (await readdir(directory)).filter(name => /letter/.test(name)),
    [],
  )
})

t.test('a word counts until everybody it allows is accepted, over a restart', async t => {
  const directory = t.testdir()
  const source = new ListSource({ maxPerScan: 1, acceptPerMinute: 6 })
  source.set('erased', ...users(0, 4))
  const first = await startWatching(t, directory, [source])
  await source.scan()
  await cli(directory, 'sources', 'allow', 'test')
  await source.scan()
  await first.clock.advance(0)
  await source.scan()
  t.equal(first.count('accepted'), 1)
  t.match(await first.erasure.status(), { sources: [{ heldBack: 0 }] })
  await first.erasure.close()
  const second = await startWatching(t, directory, [source])
  await source.scan()
  await second.clock.advance(60_000)
  t.equal(second.count('accepted'), 3)
  t.match(await second.erasure.status(), { sources: [{ firstRunDone: true }] })
  source.set('erased', ...users(4, 7))
  await source.scan()
  t.equal(second.count('accepted'), 3, 'then it is used up')
  await second.erasure.close()
})

t.test(
  'while scans are held back, hints erase nobody; nor more than one scan',
  async t => {
    const directory = t.testdir()
    const source = new ListSource({ maxPerScan: 2 })
    const { erasure, clock, count } = await startWatching(t, directory, [source])
    await source.scan()
    source.set('erased', ...users(0, 3))
    for (const user of users(0, 3)) erasure.hint(user)
    await clock.advance(40_000)
    t.equal(count('accepted'), 2)
    await source.scan()
    t.equal(count('accepted'), 3, 'the scan finds the one that is left')
    source.set('erased', ...users(3, 6))
    await source.scan()
    erasure.hint('@user3:example.org')
    await clock.advance(40_000)
    t.equal(count('accepted'), 3)
  },
)
