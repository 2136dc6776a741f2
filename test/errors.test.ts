import { mkdtempSync, cpSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { runInNewContext } from 'node:vm'

import t from 'tap'

import type * as errors from '../lib/errors.ts'
import {
  codeOf,
  ErasureError,
  hasSystemCode,
  isErasureError,
  isError,
} from '../lib/errors.ts'
import { ROOT } from './support/program.ts'

t.test('an error carries its facts as properties', async t => {
  const cause = new Error('EACCES')
  const error = new ErasureError('KEY_EXPOSED', 'key: …', { file: 'key', cause })
  t.equal(error.code, 'KEY_EXPOSED')
  t.equal(error.file, 'key')
  t.equal(error.cause, cause)
  t.equal(error.name, 'ErasureError')
  t.equal(String(error), 'ErasureError: key: …')
  t.notOk('cause' in new ErasureError('CLOSED', 'closed'))
})

t.test('a code narrows to its facts', async t => {
  const thrown: unknown = new ErasureError('STORE_LOCKED', '…', { store: 'a.db' })
  if (!isErasureError(thrown)) return t.fail('it is one of ours')
  // Compiles because the union is discriminated by `code`.
  if (thrown.code === 'STORE_LOCKED') t.equal(thrown.store, 'a.db')
  t.ok(isErasureError(thrown, 'STORE_LOCKED') && thrown.store === 'a.db')
  t.notOk(isErasureError(thrown, 'STORE_CORRUPT'))
  return undefined
})

t.test('an error of another copy of the package is recognised', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'erasure-copy-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'errors.ts')
  cpSync(join(ROOT, 'lib/errors.ts'), path)
  const copy: typeof errors = await import(pathToFileURL(path).href)
  t.not(copy.ErasureError, ErasureError)
  const error = new copy.ErasureError('CLOSED', 'closed')
  t.ok(isErasureError(error, 'CLOSED'))
  t.ok(error instanceof ErasureError)
  t.equal(codeOf(error), 'CLOSED')
})

t.test('anything else is not', async t => {
  const impostor = Object.assign(new Error('x'), { name: 'ErasureError', code: 'CLOSED' })
  for (const other of [impostor, { code: 'CLOSED' }, undefined, null, 'CLOSED']) {
    t.notOk(isErasureError(other))
    t.equal(codeOf(other), 'UNKNOWN')
  }
})

t.test('codes of the system are told', async t => {
  const error = Object.assign(new Error('x'), { code: 'ENOENT' })
  t.ok(hasSystemCode(error, 'EACCES', 'ENOENT'))
  t.notOk(hasSystemCode(error, 'EACCES'))
  t.notOk(hasSystemCode({ code: 'ENOENT' }, 'ENOENT'))
})

t.test(
  'an error of another realm is an error, as the test runner Jest has it',
  async t => {
    const foreign: unknown = runInNewContext(
      "Object.assign(new Error('no such file'), { code: 'ENOENT' })",
    )
    t.notOk(foreign instanceof Error)
    t.ok(hasSystemCode(foreign, 'ENOENT'))
    t.ok(isError(foreign))
    for (const value of [undefined, null, 'Error', { message: '' }])
      t.notOk(isError(value))
  },
)

t.test('what Node prints of an uncaught one begins with its public name', async t => {
  t.match(inspect(new ErasureError('CLOSED', 'the SDK is closed')), /^ErasureError: /)
})
