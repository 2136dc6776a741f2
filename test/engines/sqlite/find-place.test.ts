import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { findPlace } from '../../../lib/engines/sqlite/find-place.ts'
import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { runProgram } from '../../support/program.ts'

t.test(
  '9.A27: a database on a network file system is refused, unless that is allowed',
  async t => {
    const folder = t.testdir()
    mkdirSync(join(folder, 'mounted'))
    symlinkSync(join(folder, 'mounted', 'erasure.db'), join(folder, 'link.db'))
    const isMounted = (path: string) => (path.endsWith('mounted') ? 'NFS' : undefined)
    const path = join(folder, 'mounted', 'erasure.db')
    t.throws(() => findPlace(path, false, isMounted), {
      code: 'STORE_UNSAFE',
      store: path,
      message: /network file system \(NFS\).*local disk, or use PostgreSQL/,
    })
    t.notOk(existsSync(path))
    t.equal(findPlace(path, true, isMounted).path, path)
    t.throws(() => findPlace(join(folder, 'link.db'), false, isMounted), {
      code: 'STORE_UNSAFE',
    })
    t.equal(
      findPlace(join(folder, 'local.db'), false, isMounted).path,
      join(folder, 'local.db'),
    )
    await sqliteStore({ path, allowNetworkFileSystem: true }).disconnect?.()
  },
)

t.test(
  '9.29: what keeps a database from opening is one line with its path and the way out',
  async t => {
    const folder = t.testdir()
    writeFileSync(join(folder, 'file'), '')
    const open = (path: string, user = 'self', under?: readonly string[]) =>
      runProgram(
        'test/support/open-store.ts',
        [path, user],
        under === undefined ? {} : { under },
      )
    const denied = join(folder, 'denied')
    mkdirSync(denied, { mode: 0o500 })
    const limited = ['sh', '-c', 'ulimit -f 0; exec "$0" "$@"']
    const cases = [
      [
        await open(join(folder, 'file/erasure.db')),
        'STORE_UNWRITABLE',
        /a part of this path is a file/,
      ],
      [await open(folder), 'STORE_UNWRITABLE', /this is a folder/],
      [
        await open('/proc/nowhere/erasure.db'),
        'STORE_UNWRITABLE',
        /its folder is not there/,
      ],
      [
        await open(join(denied, 'erasure.db'), 'nobody'),
        'STORE_UNWRITABLE',
        /needs the right to read and write/,
      ],
      [
        await open(join(folder, 'x.db'), 'self', limited),
        'STORE_UNWRITABLE',
        /is it full/,
      ],
    ] as const
    for (const [{ stdout }, code, message] of cases) {
      const [first = '', ...others] = stdout.trim().split('\n')
      t.match(first, new RegExp(`^${code} .*: `))
      t.match(first, message)
      t.same(others, [])
    }
  },
)

t.test(
  '9.29: a folder that may not be searched is not a database that is missing',
  async t => {
    const closed = join(t.testdir(), 'closed')
    const path = join(closed, 'erasure.db')
    await sqliteStore({ path }).disconnect?.()
    chmodSync(closed, 0)
    const open = (...more: string[]) =>
      runProgram('test/support/open-store.ts', [path, 'nobody', ...more])
    const denied = /erasure\.db: it cannot be opened; the user/
    const [writing, reading] = [await open(), await open('reading')]
    chmodSync(closed, 0o700)
    t.match(writing.stdout, /^STORE_UNWRITABLE /)
    t.match(writing.stdout, denied)
    t.match(reading.stdout, /^STORE_UNREADABLE /)
    t.match(reading.stdout, denied)
  },
)
