// 9.A14: a backup that is made while the bridge accepts at full speed, is killed, or both, has
// everybody who was acknowledged before it began; and a restore leaves one database or the other.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t, { type Test } from 'tap'

import { runCli } from '../../../lib/cli/run-cli.ts'
import { createErasure } from '../../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { openKey } from '../../../lib/user-seal/key.ts'
import { createUserSeal } from '../../../lib/user-seal/user-seal.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { ROOT, runProgram } from '../../support/program.ts'
import { SIZES } from '../../support/sizes.ts'

t.setTimeout(3_600_000)

const userOf = (number: number) => `@user-${number}:example.org`

async function cli(...args: string[]): Promise<{ code: number; stderr: string }> {
  let stderr = ''
  const code = await runCli(
    args,
    {},
    {
      stdin: (async function* () {})(),
      stdout: { write() {} },
      stderr: { write: text => (stderr += text) },
    },
  )
  return { code, stderr }
}

/** A bridge at full speed, which can be killed and goes on. */
class Bridge {
  readonly acknowledged: number[] = []
  readonly #folder: string
  #child: ChildProcess | undefined

  constructor(t: Test, folder: string) {
    this.#folder = folder
    t.teardown(() => this.kill())
  }

  async start(): Promise<void> {
    const first = (this.acknowledged.at(-1) ?? 0) + 1000
    const child = fork(
      join(ROOT, 'test/support/accepting-bridge.ts'),
      [this.#folder, String(first)],
      {
        execArgv: ['--conditions=erasure-source', '--no-warnings'],
        env: {},
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    )
    child.on('message', number => this.acknowledged.push(number as number))
    this.#child = child
    await once(child, 'message')
  }

  async kill(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
    this.#child = undefined
  }
}

/** The tags of everybody who has both a tombstone and a request in a database. */
function tagsIn(file: string): Set<string> {
  const database = new DatabaseSync(`file://${file}?immutable=1`, { readOnly: true })
  const keys = database
    .prepare("SELECT key FROM document WHERE key LIKE 'erasure:tombstone:%'")
    .all()
    .map(({ key }) => String(key).replace('erasure:tombstone:', ''))
  const { requests } = database
    .prepare(
      "SELECT count(*) AS requests FROM document WHERE key LIKE 'erasure:request:%'",
    )
    .get() as { requests: number }
  database.close()
  if (requests !== keys.length)
    throw new Error(`${requests} requests of ${keys.length} people`)
  return new Set(keys)
}

t.test('9.A14: a backup has everybody who was acknowledged before it began', async t => {
  const folder = t.testdir()
  const bridge = new Bridge(t, folder)
  await bridge.start()
  const seal = createUserSeal(await openKey(join(folder, 'erasure.key'), false))
  let lost = 0
  for (let round = 0; round < SIZES.backups; round += 1) {
    const before = [...bridge.acknowledged]
    const file = join(folder, `backup-${round}`)
    const made = cli('backup', file, '--data', folder)
    // Now and then the bridge dies meanwhile.
    if (round % 4 === 3) await bridge.kill()
    t.match(await made, { code: 0, stderr: '' })
    const tags = tagsIn(file)
    const missing = before.filter(
      number => !tags.has(seal.tag(parseUserId(userOf(number)))),
    )
    lost += missing.length
    t.equal(statSync(file).mode & 0o777, 0o600)
    if (round % 4 === 3) await bridge.start()
  }
  await bridge.kill()
  t.ok(
    bridge.acknowledged.length > SIZES.backups,
    `${bridge.acknowledged.length} were acknowledged`,
  )
  t.equal(lost, 0)
  t.same(
    readdirSync(folder).filter(name => name.startsWith('backup-')).length,
    SIZES.backups,
    'and nothing is beside them',
  )
})

t.test('9.A14: what is restored goes on where the backup was made', async t => {
  const folder = t.testdir()
  const bridge = new Bridge(t, folder)
  await bridge.start()
  const file = join(folder, 'backup')
  const before = [...bridge.acknowledged]
  t.match(await cli('backup', file, '--data', folder), { code: 0 })
  t.match(await cli('restore', file, '--data', folder), {
    code: 2,
    stderr: /is using this database/,
  })
  await bridge.kill()
  t.ok(existsSync(join(folder, 'erasure.db-wal')), 'a log is left over')
  t.match(await cli('restore', file, '--data', folder), { code: 0, stderr: '' })
  for (const suffix of ['-wal', '-shm', '.restoring'])
    t.notOk(existsSync(join(folder, `erasure.db${suffix}`)), suffix)
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: join(folder, 'erasure.key'),
    store: sqliteStore({ path: join(folder, 'erasure.db') }),
  })
  t.teardown(() => erasure.close())
  for (const number of before) {
    if (!(await erasure.isErased(userOf(number)))) t.fail(`${number} is missing`)
  }
  const { open } = await erasure.status()
  t.ok(open.length >= before.length)
})

t.test(
  '9.A14: a restore that is killed anywhere leaves one database or the other',
  async t => {
    const folder = t.testdir()
    const origin = join(folder, 'origin')
    mkdirSync(origin)
    const old = sqliteStore({ path: join(origin, 'erasure.db') })
    const erasure = await createErasure({
      registration: REGISTRATION,
      key: join(origin, 'erasure.key'),
      store: old,
    })
    await erasure.accept('@in-both:example.org')
    const backup = join(folder, 'backup')
    t.match(await cli('backup', backup, '--data', origin), { code: 0 })
    await erasure.accept('@later:example.org')
    await old.forget?.()
    await erasure.accept('@in-the-log-only:example.org')
    const names = ['erasure.db', 'erasure.db-wal', 'erasure.key']
    const outcomes = new Set<string>()
    for (let call = 1; ; call += 1) {
      const data = join(folder, `killed-${call}`)
      mkdirSync(data)
      for (const name of names) copyFileSync(join(origin, name), join(data, name))
      const { code } = await runProgram('test/support/restore-and-die.ts', [
        data,
        backup,
        String(call),
      ])
      const store = sqliteStore({ path: join(data, 'erasure.db') })
      const tombstones: string[] = []
      for await (const [key] of store.iterator?.('erasure:tombstone') ?? [])
        tombstones.push(String(key))
      await store.disconnect?.()
      t.ok(
        [1, 3].includes(tombstones.length),
        `killed at call ${call}: ${tombstones.length}`,
      )
      outcomes.add(`${code === 0 ? 'restored' : 'killed'} ${tombstones.length}`)
      if (code === 0) break
      t.ok(call < 200)
    }
    await erasure.close()
    t.same([...outcomes].toSorted(), ['killed 1', 'killed 3', 'restored 1'])
  },
)

t.test(
  '9.A14: a copy that was put beside the log of another is refused, and left as it is',
  async t => {
    const folder = t.testdir()
    const path = join(folder, 'erasure.db')
    const store = sqliteStore({ path })
    const fill = async (text: string, count: number) => {
      for (let row = 0; row < count; row += 1)
        await store.set(`${text}-${(row * 7919) % 10_007}`, text.repeat(60), 1e9)
    }
    await fill('old', 120)
    await store.forget?.()
    copyFileSync(path, join(folder, 'backup'))
    await fill('lost', 400)
    await store.forget?.()
    await fill('new', 60)
    const crashed = join(folder, 'crashed.db')
    copyFileSync(join(folder, 'backup'), crashed)
    copyFileSync(`${path}-wal`, `${crashed}-wal`)
    await store.disconnect?.()
    const bytes = () =>
      Buffer.concat(['', '-wal'].map(suffix => readFileSync(crashed + suffix)))
    const before = bytes()
    t.throws(() => sqliteStore({ path: crashed }), {
      code: 'STORE_CORRUPT',
      message: /-wal file beside it belongs to another; nothing was changed/,
    })
    t.ok(bytes().equals(before), 'nothing was changed')
  },
)
