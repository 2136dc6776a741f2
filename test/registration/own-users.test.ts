import t from 'tap'

import { parseUserId } from '../../lib/matrix/user-id.ts'
import { OwnUsers } from '../../lib/registration/own-users.ts'

const exclusive = (...regexes: readonly string[]) => ({
  hs_token: 'h',
  sender_localpart: 'bot',
  namespaces: { users: regexes.map(regex => ({ exclusive: true, regex })) },
})
const has = (own: OwnUsers, userId: string) => own.has(parseUserId(userId))

t.test(
  'own users are the bot and ghosts of exclusive namespaces, nobody else',
  async t => {
    const users = [
      { exclusive: true, regex: '@_irc_.*:example\\.org' },
      { exclusive: false, regex: '@.*:example\\.org' },
    ]
    const own = new OwnUsers({
      hs_token: 'h',
      sender_localpart: 'bot',
      namespaces: { users },
    })
    t.ok(has(own, '@_irc_bob:example.org'))
    t.ok(has(own, '@bot:example.org'))
    t.notOk(has(own, '@bob:example.org'))
    t.notOk(has(own, '@x_irc_bob:example.org'))
  },
)

t.test('9.18: people of other servers are never ghosts, nor the bot', async t => {
  const elsewhere = ['@irc_fan:other.org', '@bot:other.org', '@irc_x:example.org.uk']
  const cases: ReadonlyArray<readonly [string, OwnUsers]> = [
    ['the name is given', new OwnUsers(exclusive('@irc_.*'), 'example.org')],
    ['any server matches', new OwnUsers(exclusive('@irc_.*:.*'), 'example.org')],
    ['a namespace names it', new OwnUsers(exclusive('@irc_.*:example\\.org'))],
    ['in brackets', new OwnUsers(exclusive('(?:@irc_.*:example[.]org)$'))],
    ['one of two does', new OwnUsers(exclusive('@irc_.*:example.org', '@x_(?:irc)'))],
  ]
  for (const [title, own] of cases) {
    t.ok(has(own, '@irc_bob:example.org'), title)
    t.ok(has(own, '@bot:example.org'), title)
    for (const userId of elsewhere) t.notOk(has(own, userId), `${title}: ${userId}`)
  }
})

t.test('9.18: as long as no server is known, nobody is declined', async t => {
  const own = new OwnUsers(exclusive('@irc_.*'))
  t.ok(own.areSomeUnknown)
  t.notOk(has(own, '@irc_bob:example.org'))
  t.notOk(has(own, '@bot:example.org'))
  own.learnServerName('example.org')
  t.notOk(own.areSomeUnknown)
  t.ok(has(own, '@irc_bob:example.org'))
  t.ok(has(own, '@bot:example.org'))
  own.learnServerName('other.org')
  t.ok(has(own, '@irc_bob:example.org'), 'the first name stays')
  t.ok(new OwnUsers(exclusive('@a_.*:a\\.org', '@b_.*')).areSomeUnknown)
  const two = new OwnUsers(exclusive('@a_.*:a\\.org', '@b_.*:b\\.org'))
  t.ok(has(two, '@a_x:a.org'))
  t.ok(has(two, '@b_x:b.org'))
  t.notOk(has(two, '@a_x:b.org'))
  t.notOk(has(two, '@bot:a.org'), 'on which of the two the bot is, nobody says')
})

t.test('9.18: server names are found in a regex as bridges write them', async t => {
  const spellings: ReadonlyArray<readonly [string, string]> = [
    ['@irc_.*:my\\-server\\.org', 'my-server.org'],
    ['^@irc_.*:localhost:8480$', 'localhost:8480'],
    ['@irc_.*:localhost\\:8480', 'localhost:8480'],
    ['@irc_.*\\:example.org', 'example.org'],
    ['(@irc_.*:example\\.org)', 'example.org'],
    ['@irc_.*:my\\-chat\\.example\\.org', 'my-chat.example.org'],
  ]
  for (const [regex, server] of spellings) {
    t.ok(has(new OwnUsers(exclusive(regex)), `@irc_bob:${server}`), regex)
  }
  for (const regex of [
    '@irc_.*:',
    '@irc_.*:example\\.org|@x_.*',
    '@irc_(?:x|y)',
    '@irc_(?i:x)',
    '@irc_[^:]+',
  ]) {
    t.ok(new OwnUsers(exclusive(regex)).areSomeUnknown, regex)
  }
})

t.test(
  '9.18: an exclusive namespace that holds everybody on the server is refused',
  async t => {
    const everybody = [
      ...['@.*', '@..*', '.*', '@.*:example\\.org', '@[^:]+:.*', '@[a-z0-9._=/-]+:.*'],
      ...['@[^_].*', '(?i)@[A-Z].*:example\\.org'],
    ]
    for (const regex of everybody) {
      for (const serverName of [undefined, 'example.org']) {
        const make = () => new OwnUsers(exclusive('@irc_.*', regex), serverName)
        t.throws(
          make,
          {
            code: 'REGISTRATION_INVALID',
            property: 'namespaces.users[1]',
            message: /contains every user.*exclusive to false/,
          },
          `${regex} with ${serverName}`,
        )
      }
    }
    const own = new OwnUsers(exclusive('@.*:.*\\.example\\.org'))
    t.throws(() => own.learnServerName('chat.example.org'), {
      code: 'REGISTRATION_INVALID',
    })
    const some = ['@.*\\.\\*:chat\\.example', '@_.*', '@[a-m].*', '@.*:other\\.org']
    for (const regex of some) {
      t.doesNotThrow(() => new OwnUsers(exclusive(regex), 'chat.example'), regex)
    }
  },
)
