// 9.A1: a process loses its locks on a file when anything in it closes the file. Nobody who was
// told that a write is durable may lose it by that, and nobody else may write.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t, { type Test } from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { inAnotherProcess } from '../../support/in-another-process.ts'

// Many processes, one after the other, on a machine that may be busy.
t.setTimeout(300_000)

const PROGRAM = new URL('../../support/held-store.ts', import.meta.url)

interface Holder {
  /** What came of it, or the code of the error. */
  does(act: string, argument?: string): Promise<unknown>
  kill(): Promise<void>
}

/** Another process, with the store open. */
async function holder(t: Test, path: string): Promise<Holder> {
  const child = fork(PROGRAM, [path], {
    env: {},
    execArgv: ['--no-warnings'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const answer = async () => {
    const [message] = (await once(child, 'message')) as [
      { result?: unknown; code?: string },
    ]
    return message.code ?? message.result
  }
  await answer()
  return {
    async does(act, argument = '') {
      child.send({ act, argument })
      return answer()
    },
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Looks at the database and closes it, as an operator's shell does. */
function lookFromOutside(path: string): void {
  inAnotherProcess(path, 'SELECT count(*) FROM document')
}

async function valuesIn(path: string, keys: readonly string[]): Promise<unknown[]> {
  const store = sqliteStore({ path })
  try {
    return await Promise.all(keys.map(key => store.get(key)))
  } finally {
    await store.disconnect?.()
  }
}

const valueOf = (key: string) => `value of ${key}`
const LATER = ['a', 'b', 'c', 'd', 'e']

for (const [act, isOurs] of [
  ['nothing', true],
  ['open a second store', true],
  ['open a store for reading', true],
  ['findResidue', true],
  ['read the folder', false],
  ['copy the folder', false],
] as const) {
  t.test(`9.A1: what is durable stays so: ${act}`, async t => {
    const path = join(t.testdir(), 'data', 'erasure.db')
    const bridge = await holder(t, path)
    await bridge.does('set', 'before')
    const { ino } = statSync(`${path}-wal`)
    const done = await bridge.does(act)
    if (act === 'open a second store') t.equal(done, 'STORE_LOCKED')
    t.throws(
      () => sqliteStore({ path }),
      { code: 'STORE_LOCKED' },
      'nobody else may write',
    )
    lookFromOutside(path)
    if (isOurs)
      t.equal(
        statSync(`${path}-wal`, { throwIfNoEntry: false })?.ino,
        ino,
        'no lock is lost',
      )
    for (const key of LATER) t.equal(await bridge.does('set', key), true)
    t.equal(await bridge.does('get', 'before'), valueOf('before'))
    lookFromOutside(path)
    await bridge.kill()
    const keys = ['before', ...LATER]
    t.same(await valuesIn(path, keys), keys.map(valueOf), 'and opens at once')
  })
}

t.test('9.A1: a file has one writer, whatever it is called', async t => {
  const folder = t.testdir()
  const path = join(folder, 'data', 'erasure.db')
  const bridge = await holder(t, path)
  const own = sqliteStore({ path: join(folder, 'own.db') })
  const names = [
    [
      'a symbolic link',
      () => symlinkSync(path, join(folder, 'data', 'symbolic.db')),
      'symbolic.db',
    ],
    ['a hard link', () => linkSync(path, join(folder, 'data', 'hard.db')), 'hard.db'],
    [
      'a linked folder',
      () => symlinkSync(join(folder, 'data'), join(folder, 'other')),
      '../other/erasure.db',
    ],
  ] as const
  for (const [what, make, name] of names) {
    make()
    const other = join(folder, 'data', name)
    t.throws(() => sqliteStore({ path: other }), { code: 'STORE_LOCKED' }, what)
    t.equal(
      await bridge.does('open a second store', name),
      'STORE_LOCKED',
      `${what}, the same process`,
    )
  }
  const descriptor = openSync(path, 'r')
  t.throws(() => sqliteStore({ path: `/proc/self/fd/${descriptor}` }), {
    code: 'STORE_LOCKED',
  })
  t.equal(await bridge.does('set', 'a'), true)
  await bridge.does('close')
  await bridge.kill()
  for (const name of ['erasure.db', 'hard.db']) {
    const store = { path: join(folder, 'data', name) }
    t.throws(() => sqliteStore(store), { code: 'STORE_UNSAFE', message: /another name/ })
  }
  rmSync(join(folder, 'data', 'hard.db'))
  const store = sqliteStore({ path: join(folder, 'data', 'symbolic.db') })
  t.equal(await store.get('a'), valueOf('a'))
  await store.disconnect?.()
  await own.disconnect?.()
})

t.test('9.A1: a symbolic link to nothing yet is followed', async t => {
  const folder = t.testdir()
  mkdirSync(join(folder, 'disk'))
  symlinkSync(join(folder, 'disk', 'erasure.db'), join(folder, 'link.db'))
  const store = sqliteStore({ path: join(folder, 'link.db') })
  await store.set('a', '1')
  t.ok(existsSync(join(folder, 'disk', 'erasure.db-wal')))
  await store.disconnect?.()
})

t.test('9.A1: a log that somebody removes is written anew from what we know', async t => {
  const path = join(t.testdir(), 'data', 'erasure.db')
  const bridge = await holder(t, path)
  await bridge.does('set', 'before')
  for (const suffix of ['-wal', '-shm']) {
    rmSync(path + suffix)
    t.equal(await bridge.does('set', suffix), true)
  }
  await bridge.kill()
  const keys = ['before', '-wal', '-shm']
  t.same(await valuesIn(path, keys), keys.map(valueOf))
})

t.test(
  '9.A1: nothing is acknowledged into a database that was replaced or removed',
  async t => {
    const path = join(t.testdir(), 'data', 'erasure.db')
    const bridge = await holder(t, path)
    await bridge.does('set', 'a')
    copyFileSync(path, `${path}.copy`)
    renameSync(path, `${path}.away`)
    t.equal(await bridge.does('set', 'b'), 'STORE_REPLACED')
    renameSync(`${path}.copy`, path)
    t.equal(await bridge.does('set', 'b'), 'STORE_REPLACED')
    renameSync(`${path}.away`, path)
    t.equal(await bridge.does('set', 'b'), true, 'it is back')
    await bridge.kill()
    t.same(await valuesIn(path, ['a', 'b']), [valueOf('a'), valueOf('b')])
  },
)

t.test('9.A1: of two that have the files the one with the lock writes', async t => {
  const path = join(t.testdir(), 'data', 'erasure.db')
  const bridge = await holder(t, path)
  await bridge.does('set', 'a')
  await bridge.does('read the folder')
  // As a container with a network of its own does, which sees nothing but the files.
  const lock = new DatabaseSync(`${path}.lock`)
  lock.exec('BEGIN EXCLUSIVE')
  t.equal(await bridge.does('set', 'b'), 'STORE_LOCKED')
  t.equal(await bridge.does('get', 'a'), 'STORE_LOCKED')
  const other = new DatabaseSync(path)
  other.exec("INSERT INTO document VALUES ('theirs', 'written meanwhile', NULL)")
  other.close()
  lock.close()
  t.equal(await bridge.does('set', 'b'), true, 'when the other has ended')
  t.equal(await bridge.does('get', 'theirs'), 'written meanwhile')
  await bridge.kill()
  t.same(await valuesIn(path, ['a', 'b', 'theirs']), [
    valueOf('a'),
    valueOf('b'),
    'written meanwhile',
  ])
})
