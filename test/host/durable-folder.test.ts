import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { makeFolder, syncFolder } from '../../lib/host/durable-folder.ts'

// That they survive a power cut is seen in promises/durability-power-cut.test.ts.
t.test('a folder is made with those above it, for the owner only', async t => {
  const path = join(t.testdir(), 'a/b/c')
  makeFolder(path)
  for (const folder of [path, join(path, '..'), join(path, '../..')])
    t.equal(statSync(folder).mode & 0o777, 0o700)
  makeFolder(path)
  makeFolder('/')
})

t.test('a folder that cannot be made or found is an error', async t => {
  const directory = t.testdir()
  writeFileSync(join(directory, 'file'), '')
  t.throws(() => makeFolder(join(directory, 'file/folder')), { code: 'ENOTDIR' })
  t.throws(() => syncFolder(join(directory, 'none')), { code: 'ENOENT' })
})

t.test('a file system that cannot sync folders is left at that', async t => {
  t.doesNotThrow(() => syncFolder('/proc'))
})
