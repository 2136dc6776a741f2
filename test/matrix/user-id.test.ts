import t from 'tap'

import { isErasureError } from '../../lib/errors.ts'
import {
  isUserId,
  localpartOf,
  parseUserId,
  serverNameOf,
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
