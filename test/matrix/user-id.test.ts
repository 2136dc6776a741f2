import fc from 'fast-check'
import t from 'tap'

import { isErasureError } from '../../lib/errors.ts'
import { createRedactor, userIdForms } from '../../lib/matrix/user-id-forms.ts'
import {
  isUserId,
  localpartOf,
  parseUserId,
  serverNameOf,
  type UserId,
} from '../../lib/matrix/user-id.ts'

const VALID = [
  '@bob:example.org',
  '@bob:example.org:8448',
  '@bob:[2001:db8::1]',
  '@bob:[::1]:8448',
  '@bob:10.0.0.1',
  // Historical localparts: everything but a colon, NUL and lone surrogates.
  '@Bob Smith+x/y=z~:example.org',
  '@:example.org',
  '@jürgen:example.org',
  '@\u{1f600}:example.org',
  '@a\nb:example.org',
  '@"quoted\'%_*.:example.org',
  `@${'a'.repeat(255 - 5)}:b.c`,
]

const INVALID = [
  '',
  '@',
  'bob:example.org',
  '@bob',
  '@bob:',
  '@bob:exa mple.org',
  '@bob:example.org:port',
  '@bob:example.org:',
  '@bob:[::1',
  '@bob:example.org/x',
  '@b\0b:example.org',
  '@b\ud800b:example.org',
  `@${'a'.repeat(256 - 5)}:b.c`,
  `@${'ü'.repeat(126)}:b.c`,
  '!room:example.org',
]

t.test(
  'user IDs of the specification, historical ones included, are user IDs',
  async t => {
    for (const value of VALID) t.ok(isUserId(value), JSON.stringify(value))
  },
)

t.test('what is not a user ID is refused without being repeated', async t => {
  for (const value of INVALID) {
    t.notOk(isUserId(value), JSON.stringify(value))
    try {
      parseUserId(value)
      t.fail('accepted')
    } catch (error) {
      t.ok(isErasureError(error, 'USER_ID_INVALID'))
      t.notOk(value.length > 3 && String(error).includes(value))
    }
  }
  t.throws(() => parseUserId(undefined as never), { code: 'USER_ID_INVALID' })
})

t.test(
  'the localpart ends at the first colon, and the rest is the server name',
  async t => {
    const userId = parseUserId('@bob:[2001:db8::1]:8448')
    t.equal(localpartOf(userId), 'bob')
    t.equal(serverNameOf(userId), '[2001:db8::1]:8448')
  },
)

const serverName = fc.domain()
const userIds = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), serverName)
  .map(([localpart, server]) => `@${localpart.replace(/[:\0]/g, '')}:${server}`)
  .filter(isUserId)

t.test('every form of a user ID is taken out of a text, and bystanders stay', async t => {
  fc.assert(
    fc.property(userIds, userId => {
      const redact = createRedactor(userId)
      return userIdForms(userId).every(({ text }) => !redact(`<${text}>`).includes(text))
    }),
  )
  const redact = createRedactor(parseUserId('@al:example.org'))
  t.equal(redact('al met alice and @alice:example.org'), '[user] met alice and [user]')
  t.equal(createRedactor()('seen @x:y.z, key @a_b:[::1]:80'), 'seen [user], key [user]')
})

t.test(
  'base64 of a longer text that holds the user ID is recognised at any offset',
  async t => {
    const userId = parseUserId('@victim:example.org')
    const redact = createRedactor(userId)
    for (const before of ['', 'x', 'xy', 'xyz', 'wxyz+']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(`${before}${userId} and more`).toString(encoding)
        t.not(redact(text), text, `${encoding} after ${before.length} bytes`)
      }
    }
  },
)

t.test('a numeric localpart does not turn into a pattern', async t => {
  const redact = createRedactor('@.*:example.org' as UserId)
  t.equal(redact('nothing of this'), 'nothing of this')
})
