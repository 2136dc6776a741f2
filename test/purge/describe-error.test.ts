import { fileURLToPath } from 'node:url'
import { inspect } from 'node:util'

import t from 'tap'

import { describeError } from '../../lib/purge/describe-error.ts'

t.test(
  'of an error its class, a known code and where it was thrown are told',
  async t => {
    const error = Object.assign(
      new TypeError(`@victim:example.org\n    at victim (x:1:1)`),
      {
        code: 'ECONNRESET',
      },
    )
    const described = describeError(error)
    t.match(described, {
      thrown: 'TypeError',
      code: 'ECONNRESET',
      at: /describe-error\.test\.ts:\d+:\d+/,
    })
    t.notMatch(inspect(described), /victim/)
    t.match(
      describeError(Object.assign(new Error('x'), { code: 'VICTIM', name: 'Victim' })),
      {
        thrown: 'Error',
        code: undefined,
      },
    )
    t.same(describeError('victim'), { thrown: 'string' })
    const bare = new Error('x')
    delete (bare as { stack?: string }).stack
    t.match(describeError(bare), { thrown: 'Error', at: undefined })
  },
)

t.test('9.26: nothing of an error is told that whoever made it chose', async t => {
  const chosen = [
    ...['VictimError', 'Victim', 'ERR_VICTIM', 'ERR_INVALID_VICTIM', 'SQLITE_VICTIM'],
    ...['VIC42', '42VIC', 'SQLITE_BUSY_VICTIM', 'EVICTIM', '@victim:example.org'],
    ...['ErrorVictim', 'MyTypeError', 'VICTIM23505', '23505VICTIM', 'SQLITE_BUSYVICTIM'],
    ...['VICTIM_SQLITE_BUSY', 'VICTIM_ERR_OUT', 'UND_ERR_VICTIM'],
  ]
  for (const text of chosen) {
    const error = Object.assign(new Error('x'), { name: text, code: text })
    t.same(Object.keys(describeError(error)), ['thrown', 'at'], text)
    t.equal(describeError(error).thrown, 'Error', text)
  }
  for (const place of [
    'victim lives here:1:1',
    '/victim.js:1:1',
    'f (victim.ts:1:1)',
    'node:victim:1:1',
    'f (node:victim:1:1)',
  ]) {
    const error = new Error(`x\n    at ${place}`)
    error.message = 'changed after the trace was made'
    t.match(describeError(error).at, /^at \S+describe-error\.test\.ts:\d+:\d+$/, place)
    error.stack = `    at ${place}`
    t.equal(describeError(error).at, undefined, place)
  }
  const known = [
    ...[
      'ERR_INVALID_ARG_TYPE',
      'ERR_MODULE_NOT_FOUND',
      'UND_ERR_CONNECT_TIMEOUT',
      'EACCES',
    ],
    ...[
      'ERR_SQLITE_ERROR',
      'SQLITE_CONSTRAINT_UNIQUE',
      '23505',
      '42P01',
      '57P03',
      'XX000',
    ],
  ]
  for (const code of known) {
    t.match(describeError(Object.assign(new TypeError('x'), { code })), {
      thrown: 'TypeError',
      code,
    })
  }
  const log = (text: string) => text.replaceAll('23505', '[user]')
  t.match(describeError(Object.assign(new Error('x'), { code: '23505' }), log), {
    code: '[user]',
  })
  for (const line of ['x    at node:fs:1:1', '    at node:fs:1:1)victim']) {
    const error = Object.assign(new Error('x'), { stack: line })
    t.equal(describeError(error).at, undefined, line)
  }
  const within = Object.assign(new Error('x'), { stack: 'x\n    at f (node:fs:1:2)' })
  t.equal(describeError(within).at, 'at node:fs:1:2')
  const path = fileURLToPath(import.meta.url)
  const required = Object.assign(new Error('x'), { stack: `x\n    at f (${path}:3:4)` })
  t.equal(describeError(required).at, `at ${path}:3:4`)
  const hostile = Object.defineProperty(new Error('x'), 'name', {
    get() {
      throw new Error('victim')
    },
  })
  t.same(describeError(hostile), { thrown: 'an error that cannot be read' })
  for (const code of [23_505, { toString: () => 'EACCES' }, ['EACCES']]) {
    t.notOk('code' in describeError(Object.assign(new Error('x'), { code })))
  }
})
