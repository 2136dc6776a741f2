// 9.A14: what `backup` and `restore` refuse, and what they leave behind.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t, { type Test } from 'tap'

import { runCli } from '../../lib/cli/run-cli.ts'
import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { REGISTRATION } from '../support/open-erasure.ts'

async function cli(...args: string[]) {
  let stdout = ''
  let stderr = ''
  const code = await runCli(
    args,
    {},
    {
      stdin: (async function* () {})(),
      stdout: { write: text => (stdout += text) },
      stderr: { write: text => (stderr += text) },
    },
  )
  return { code, stdout, stderr }
}

const open = (data: string) =>
  createErasure({
    registration: REGISTRATION,
    key: join(data, 'erasure.key'),
    store: sqliteStore({ path: join(data, 'erasure.db') }),
  })

/** A closed database in which one person is erased, and a backup of it. */
async function backedUp(
  t: Test,
): Promise<{ folder: string; data: string; file: string }> {
  const folder = t.testdir()
  const data = join(folder, 'data')
  const erasure = await open(data)
  await erasure.accept('@erased-before:example.org')
  await erasure.close()
  const file = join(folder, 'backup.db')
  t.match(await cli('backup', file, '--data', data), {
    code: 0,
    stdout: /bytes, checked/,
  })
  return { folder, data, file }
}

async function isErased(data: string, userId: string): Promise<boolean> {
  const erasure = await open(data)
  const answer = await erasure.isErased(userId)
  await erasure.close()
  return answer
}

t.test(
  '9.A14: backup is one file for its owner only, and writes over nothing',
  async t => {
    const { folder, data, file } = await backedUp(t)
    t.equal(statSync(file).mode & 0o777, 0o600)
    const bytes = readFileSync(file)
    t.match(await cli('backup', file, '--data', data), {
      code: 2,
      stderr: /backup\.db: this file already exists/,
    })
    t.ok(readFileSync(file).equals(bytes))
    t.match(await cli('backup', join(folder, 'no/such/folder/x'), '--data', data), {
      code: 2,
      stderr: /folder\/x: .*folder/,
    })
    t.match(await cli('backup', join(folder, 'x'), '--data', join(folder, 'nowhere')), {
      code: 2,
      stderr: /no such database/,
    })
    t.match(await cli('backup'), { code: 2, stderr: /expected the name/ })
    writeFileSync(`${file}2.partial`, 'left over by a backup that was killed')
    t.match(await cli('backup', `${file}2`, '--data', data), { code: 0 })
    t.same(readdirSync(folder).toSorted(), ['backup.db', 'backup.db2', 'data'])
  },
)

t.test('9.A14: backup keeps no copy that nobody could use', async t => {
  const { folder, data, file } = await backedUp(t)
  const other = join(folder, 'other')
  await (await open(other)).close()
  rmSync(file)
  copyFileSync(join(other, 'erasure.key'), join(data, 'erasure.key'))
  t.match(await cli('backup', file, '--data', data), {
    code: 2,
    stderr: /wrong key/,
  })
  rmSync(join(data, 'erasure.key'))
  t.match(await cli('backup', file, '--data', data), { code: 2, stderr: /erasure\.key/ })
  t.same(readdirSync(folder).toSorted(), ['data', 'other'])
})

t.test('9.A14: restore changes nothing unless the backup will do', async t => {
  const { folder, data, file } = await backedUp(t)
  const path = join(data, 'erasure.db')
  const erasure = await open(data)
  await erasure.accept('@erased-later:example.org')
  await erasure.close()
  const before = readFileSync(path)
  const cases: ReadonlyArray<readonly [RegExp, (copy: string) => void]> = [
    [/no such file/, copy => rmSync(copy)],
    [/damaged/, copy => truncateSync(copy, 5000)],
    [/damaged/, copy => writeFileSync(copy, 'x')],
    [/damaged|another program|no such table/, copy => writeFileSync(copy, '')],
    [/another program/, copy => makeForeign(copy)],
    [/-wal file beside it/, copy => writeFileSync(`${copy}-wal`, 'x')],
    [/wrong key/, copy => renameKey(copy)],
  ]
  for (const [index, [stderr, damage]] of cases.entries()) {
    const copy = join(folder, `copy-${index}`)
    copyFileSync(file, copy)
    damage(copy)
    t.match(
      await cli('restore', copy, '--data', data),
      { code: 2, stderr },
      String(stderr),
    )
    t.ok(readFileSync(path).equals(before), `${stderr}: nothing was changed`)
    t.same(readdirSync(data).toSorted(), ['erasure.db', 'erasure.db.lock', 'erasure.key'])
  }
  t.match(await cli('restore', '--data', data), { code: 2, stderr: /expected the name/ })
})

t.test(
  '9.A14: restore takes the place of whatever of ours is there, with its log',
  async t => {
    const { folder, data, file } = await backedUp(t)
    const path = join(data, 'erasure.db')
    const erasure = await open(data)
    await erasure.accept('@erased-later:example.org')
    for (const suffix of ['', '-wal'])
      copyFileSync(path + suffix, join(folder, `crashed${suffix}`))
    await erasure.close()
    const places: Record<string, () => void> = {
      nothing: () => rmSync(path),
      'a whole one': () => {},
      'a crashed one': () => {
        for (const suffix of ['', '-wal'])
          copyFileSync(join(folder, `crashed${suffix}`), path + suffix)
      },
      'a damaged one, and its log': () => {
        copyFileSync(join(folder, 'crashed-wal'), `${path}-wal`)
        writeFileSync(path, 'no database')
      },
    }
    for (const [what, make] of Object.entries(places)) {
      make()
      chmodSync(file, 0o644)
      t.match(
        await cli('restore', file, '--data', data),
        { code: 0, stdout: /restored/ },
        what,
      )
      t.equal(statSync(path).mode & 0o777, 0o600)
      t.notOk(existsSync(`${path}-wal`), `${what}: no log is left`)
      t.ok(await isErased(data, '@erased-before:example.org'), what)
      t.notOk(await isErased(data, '@erased-later:example.org'), what)
    }
    rmSync(path)
    makeForeign(path)
    const theirs = readFileSync(path)
    t.match(await cli('restore', file, '--data', data), {
      code: 2,
      stderr: /another program/,
    })
    t.ok(readFileSync(path).equals(theirs))
    const elsewhere = join(folder, 'elsewhere')
    mkdirSync(elsewhere)
    copyFileSync(join(data, 'erasure.key'), join(elsewhere, 'erasure.key'))
    chmodSync(join(elsewhere, 'erasure.key'), 0o600)
    t.match(await cli('restore', file, '--data', elsewhere), { code: 0 })
    t.ok(await isErased(elsewhere, '@erased-before:example.org'))
  },
)

function makeForeign(path: string): void {
  rmSync(path, { force: true })
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE theirs (x)')
  database.close()
}

/** As if it had been made with another key. */
function renameKey(path: string): void {
  const database = new DatabaseSync(path)
  database.exec(
    'UPDATE document SET value = replace(value, \'"value":"\', \'"value":"x\') WHERE key LIKE \'%key-check\'',
  )
  database.exec('PRAGMA journal_mode = DELETE')
  database.close()
}
