import t from 'tap'

import {
  parseRegistration,
  TOKEN_PLACEHOLDER,
} from '../../lib/registration/registration.ts'

const GOOD = { hs_token: 'h', sender_localpart: 'bot' }

t.test(
  'a registration needs a token, since comparing nothing with nothing lets all in',
  async t => {
    const namespace = (value: unknown) => ({ ...GOOD, namespaces: { users: [value] } })
    const bad: ReadonlyArray<readonly [unknown, string | undefined, RegExp]> = [
      [undefined, undefined, /^the registration: it must be an object/],
      [[], undefined, /must be an object/],
      [{ ...GOOD, hs_token: '' }, 'hs_token', /non-empty string, and is empty/],
      [{ sender_localpart: 'bot' }, 'hs_token', /is missing/],
      [{ ...GOOD, hs_token: TOKEN_PLACEHOLDER }, 'hs_token', /sample/],
      [{ hs_token: 'h' }, 'sender_localpart', /is missing/],
      [
        { ...GOOD, sender_localpart: '' },
        'sender_localpart',
        /a non-empty string, and is empty/,
      ],
      [{ ...GOOD, url: 1 }, 'url', /string or null, and is a number/],
      [{ ...GOOD, namespaces: [] }, 'namespaces', /with users/],
      [
        { ...GOOD, namespaces: { users: {} } },
        'namespaces.users',
        /must be a list, and is a list or an object/,
      ],
      [namespace('@x'), 'namespaces.users[0]', /{ exclusive, regex }/],
      [namespace({ exclusive: true }), 'namespaces.users[0].regex', /is missing/],
      [
        namespace({ exclusive: true, regex: 1 }),
        'namespaces.users[0].regex',
        /in quotes/,
      ],
      [
        namespace({ exclusive: true, regex: '(?<' }),
        'namespaces.users[0].regex',
        /does not compile/,
      ],
    ]
    for (const [value, property, message] of bad) {
      t.throws(() => parseRegistration(value), {
        ...{ code: 'REGISTRATION_INVALID', message, property },
      })
    }
  },
)

t.test('only what is needed is kept', async t => {
  t.same(parseRegistration({ ...GOOD, as_token: 'secret', id: 'x' }), {
    ...GOOD,
    url: null,
    namespaces: { users: [] },
  })
})

t.test(
  '9.17: exclusive is true or false; anything else is an error, not a guess',
  async t => {
    for (const exclusive of ['false', 'true', 'yes', '', 0, 1, null, undefined, [], {}]) {
      const users = [
        { exclusive: false, regex: '@a' },
        { exclusive, regex: '@.*' },
      ]
      t.throws(
        () => parseRegistration({ ...GOOD, namespaces: { users } }),
        {
          code: 'REGISTRATION_INVALID',
          property: 'namespaces.users[1].exclusive',
          message:
            /^the registration: namespaces\.users\[1\]\.exclusive .*must be true or false/,
        },
        `${typeof exclusive} ${JSON.stringify(exclusive)}`,
      )
    }
    const others = { users: [{ exclusive: false, regex: '@(?!x).*' }] }
    t.match(parseRegistration({ ...GOOD, namespaces: others }), { namespaces: others })
    for (const exclusive of [true, false]) {
      const namespaces = { users: [{ exclusive, regex: '@a' }] }
      t.match(parseRegistration({ ...GOOD, namespaces }), { namespaces })
    }
  },
)

t.test('9.20: a token that no header can carry is refused, and not repeated', async t => {
  const bad: ReadonlyArray<readonly [unknown, RegExp]> = [
    ...[
      '   ',
      '\t',
      'abc\ndef',
      'abc\n',
      ' abc',
      'abc ',
      'äbc',
      'abc\u00a0',
      'a\0bc',
    ].map(token => [token, /no header can carry it/] as const),
    [123456, /number, so put it in quotes/],
    [true, /boolean, so put it in quotes/],
    [false, /boolean, so put it in quotes/],
    [['abc'], /a list or an object/],
  ]
  for (const [hs_token, message] of bad) {
    const parse = () => parseRegistration({ ...GOOD, hs_token })
    t.throws(
      parse,
      { code: 'REGISTRATION_INVALID', property: 'hs_token', message },
      JSON.stringify(hs_token),
    )
    t.throws(parse, { message: /^(?!.*(?:123456|abc|äbc))/s })
  }
  for (const hs_token of ['abc', 'a b', '!~', 'a'.repeat(300)]) {
    t.match(parseRegistration({ ...GOOD, hs_token }), { hs_token })
  }
})
