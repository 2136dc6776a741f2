import t from 'tap'

import {
  createOwnUserTest,
  parseRegistration,
  TOKEN_PLACEHOLDER,
} from '../../lib/registration/registration.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'

const GOOD = { hs_token: 'h', sender_localpart: 'bot' }

t.test(
  'a registration needs a token, since comparing nothing with nothing lets all in',
  async t => {
    const bad: ReadonlyArray<readonly [unknown, RegExp]> = [
      [undefined, /expected a registration/],
      [[], /expected a registration/],
      [{ ...GOOD, hs_token: '' }, /hs_token/],
      [{ sender_localpart: 'bot' }, /hs_token/],
      [{ ...GOOD, hs_token: TOKEN_PLACEHOLDER }, /sample/],
      [{ hs_token: 'h' }, /sender_localpart/],
      [{ ...GOOD, url: 1 }, /url/],
      [{ ...GOOD, namespaces: { users: {} } }, /namespaces/],
      [{ ...GOOD, namespaces: { users: [{ exclusive: true }] } }, /namespaces/],
    ]
    for (const [value, message] of bad) {
      t.throws(() => parseRegistration(value, 'here'), {
        code: 'REGISTRATION_INVALID',
        message,
      })
    }
  },
)

t.test('only what is needed is kept', async t => {
  t.same(parseRegistration({ ...GOOD, as_token: 'secret', id: 'x' }, 'here'), {
    ...GOOD,
    url: null,
    namespaces: { users: [] },
  })
})

t.test(
  'own users are the bot and ghosts of exclusive namespaces, nobody else',
  async t => {
    const users = [
      { exclusive: true, regex: '@_irc_.*:example\\.org' },
      { exclusive: false, regex: '@.*' },
    ]
    const registration = { ...GOOD, namespaces: { users } }
    const isOwn = createOwnUserTest(registration)
    t.ok(isOwn(parseUserId('@_irc_bob:example.org')))
    t.ok(isOwn(parseUserId('@bot:example.org')))
    t.notOk(isOwn(parseUserId('@bob:example.org')))
    t.notOk(isOwn(parseUserId('@x_irc_bob:example.org')))
    t.notOk(isOwn(parseUserId('@_irc_bob:other.org')))
    t.ok(isOwn(parseUserId('@bot:other.org')), 'a registration does not name its server')
    const isOwnHere = createOwnUserTest(registration, 'example.org')
    t.ok(isOwnHere(parseUserId('@bot:example.org')))
    t.notOk(isOwnHere(parseUserId('@bot:other.org')))
  },
)

t.test(
  'a regex that does not compile is an error at start, not at the first request',
  async t => {
    const registration = {
      ...GOOD,
      namespaces: { users: [{ exclusive: true, regex: '(?<' }] },
    }
    t.throws(() => createOwnUserTest(registration), { code: 'REGISTRATION_INVALID' })
  },
)
