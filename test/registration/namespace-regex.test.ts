import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { compileNamespaceRegex } from '../../lib/registration/namespace-regex.ts'
import { ROOT } from '../support/program.ts'

/** Regexes as bridges write them, user IDs, and which of them Python's `re.match` lets each match. */
const PATH = join(ROOT, 'test/registration/python-match.json')
const { users, matches } = JSON.parse(readFileSync(PATH, 'utf8')) as {
  users: readonly string[]
  matches: Readonly<Record<string, readonly string[]>>
}

t.test('9.19: a namespace matches whom it matches in Python', async t => {
  for (const [regex, expected] of Object.entries(matches)) {
    const isMatch = compileNamespaceRegex(regex)
    t.same(
      users.filter(userId => isMatch(userId)),
      expected,
      regex,
    )
  }
})

const hasPython = spawnSync('python3', ['--version']).error === undefined
const skip = hasPython ? false : 'there is no python3'
t.test('9.19: the table of what Python matches is true', { skip }, async t => {
  const script = join(ROOT, 'test/registration/python-match.py')
  const input = readFileSync(PATH)
  const ran = spawnSync('python3', [script], { input, encoding: 'utf8' })
  t.match(ran, { status: 0, stdout: /^$/, stderr: /^$/ })
})

t.test('9.A30: a namespace is anchored at its beginning, and there only', async t => {
  const matches = compileNamespaceRegex('@irc_.*:example\\.org')
  t.ok(matches('@irc_bob:example.org'))
  t.ok(matches('@irc_bob:example.org.uk'), 'not at its end')
  t.notOk(matches('@x@irc_bob:example.org'), 'at its beginning')
  t.notOk(compileNamespaceRegex('a|irc_')('@irc_bob:example.org'), 'every alternative')
})

t.test('in a class, what is no word and no space is so in ASCII', async t => {
  t.ok(compileNamespaceRegex('@[\\W]')('@+'))
  t.notOk(compileNamespaceRegex('@[\\W]')('@a'))
  t.ok(compileNamespaceRegex('@[\\S]')('@a'))
  t.notOk(compileNamespaceRegex('@[\\S]')('@ '))
})

t.test('9.19: a user ID cannot keep a regex busy', async t => {
  const matches = compileNamespaceRegex('@(a+)+$')
  t.notOk(matches(`@${'a'.repeat(28)}!`))
  // Two to the power of 250: a test that ends has shown it.
  t.notOk(matches(`@${'a'.repeat(250)}!`))
})

t.test(
  '9.19: what needs backtracking is refused, and the error does not repeat the regex',
  async t => {
    const refused: ReadonlyArray<readonly [string, RegExp]> = [
      ['@irc_(?>a+)b', /`\(\?>`.*atomic groups/],
      ['@(?!bob_)irc_.*', /`\(\?!`.*lookaround/],
      ['(?<=@)bob_', /invalid named capture/],
      ['@(?P<bob_>a)(?P=bob_)', /`\(\?P`.*backreferences/],
      ['@(a)bob_\\1', /`\\1`.*backreferences/],
      ['bob_{1001}', /invalid repeat count;/],
      ['@bob_a++', /`\+\+`.*possessive/],
      ['@bob_[a-z', /missing closing \]/],
      ['(@bob_', /missing closing \)/],
    ]
    for (const [regex, message] of refused) {
      t.throws(() => compileNamespaceRegex(regex), { message }, regex)
      t.throws(() => compileNamespaceRegex(regex), { message: /^(?!.*bob_)/ }, regex)
    }
  },
)
