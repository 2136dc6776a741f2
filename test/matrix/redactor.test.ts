import { createHash } from 'node:crypto'
import { inspect } from 'node:util'

import fc from 'fast-check'
import t from 'tap'

import { createRedactor } from '../../lib/matrix/redactor.ts'
import { userIdForms } from '../../lib/matrix/user-id-forms.ts'
import { isUserId, localpartOf, parseUserId } from '../../lib/matrix/user-id.ts'

const SEED = 20261125
const USER = '@ze+phyr/in:example.org'
const redact = createRedactor(parseUserId(USER))

const userIds = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 20 }), fc.domain())
  .map(([localpart, server]) => `@${localpart.replace(/[:\0]/g, '')}:${server}`)
  .filter(isUserId)

t.test('every form of a user ID is taken out of a text, and bystanders stay', async t => {
  fc.assert(
    fc.property(userIds, userId => {
      const redact = createRedactor(userId)
      return userIdForms(userId).every(({ text }) => !redact(`<${text}>`).includes(text))
    }),
    { seed: SEED },
  )
  const redact = createRedactor(parseUserId('@al:example.org'))
  t.equal(redact('al met alice and @alice:example.org'), '[user] met alice and [user]')
  t.equal(redact('personal also al2 2al á al'), 'personal also al2 2al á [user]')
  t.equal(
    redact('count=3 limit=40:x 100% a\\b AT&T'),
    'count=3 limit=40:x 100% a\\b AT&T',
  )
})

t.test(
  'base64 of a longer text that holds the user ID is recognised at any offset',
  async t => {
    for (const before of ['', 'x', 'xy', 'xyz', 'wxyz+']) {
      for (const encoding of ['base64', 'base64url'] as const) {
        const text = Buffer.from(`${before}${USER} and more`).toString(encoding)
        t.not(redact(text), text, `${encoding} after ${before.length} bytes`)
      }
    }
  },
)

t.test('a localpart does not turn into a pattern', async t => {
  const redact = createRedactor(parseUserId('@.*:example.org'))
  t.equal(redact('nothing of this \\ & %20'), 'nothing of this \\ & %20')
})

const hex = (code: number, length: number) => code.toString(16).padStart(length, '0')
const bytesOf = (char: string) => Array.from(Buffer.from(char), byte => hex(byte, 2))
const unitsOf = (char: string) =>
  Array.from({ length: char.length }, (_, at) => hex(char.charCodeAt(at), 4))
const codeOf = (char: string) => char.codePointAt(0) ?? 0
/** How programs write one character. */
const ESCAPES: Readonly<Record<string, (char: string) => string>> = {
  plain: char => char,
  upper: char => char.toUpperCase(),
  composed: char => char.normalize('NFD'),
  percent: char =>
    bytesOf(char)
      .map(byte => `%${byte.toUpperCase()}`)
      .join(''),
  percentTwice: char =>
    bytesOf(char)
      .map(byte => `%2525${byte}`)
      .join(''),
  quotedPrintable: char =>
    bytesOf(char)
      .map(byte => `=${byte.toUpperCase()}`)
      .join(''),
  json: char =>
    unitsOf(char)
      .map(unit => `\\u${unit}`)
      .join(''),
  jsonInJson: char =>
    unitsOf(char)
      .map(unit => `\\\\\\u${unit}`)
      .join(''),
  bytes: char =>
    bytesOf(char)
      .map(byte => `\\x${byte}`)
      .join(''),
  javascript: char => `\\u{${hex(codeOf(char), 1)}}`,
  python: char => `\\U${hex(codeOf(char), 8)}`,
  html: char => `&#${codeOf(char)};`,
  htmlTwice: char => `&amp;#x${hex(codeOf(char), 4)};`,
  coloured: char => `\u001b[1;31m${char}`,
}

t.test(
  '9.26: a user ID is found whatever mix of escapes its characters are written in',
  async () => {
    const mixed = fc.tuple(
      userIds,
      fc.infiniteStream(fc.constantFrom(...Object.keys(ESCAPES))),
    )
    fc.assert(
      fc.property(mixed, ([userId, escapes]) => {
        const text = Array.from(userId.normalize('NFC'), char => {
          const escape = ESCAPES[escapes.next().value ?? '']
          return escape?.(char) ?? char
        }).join('')
        const cut = createRedactor(userId)(`[${text}]`)
        if (cut.replace('\u001b[1;31m', '') !== '[[user]]')
          throw new Error(`${cut} of ${text}`)
      }),
      { seed: SEED, numRuns: 150 },
    )
  },
)

const hash = (algorithm: string) => createHash(algorithm).update(USER).digest('hex')
t.test('9.26: what version 0.1 let through is taken out', async t => {
  const inside: ReadonlyArray<readonly [string, string]> = [
    ['partly percent-encoded', 'GET /profile/%40ze+phyr/in:example.org HTTP'],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(USER))],
    ['as Node prints it', inspect({ a: USER })],
    ['\\x40', '\\x40ze+phyr/in:example.org'],
    ['\\\\x40', '\\\\x40ze+phyr/in:example.org'],
    ['HTML', '&#64;ze+phyr/in:example.org'],
    ['HTML with names', '&commat;ze&plus;phyr&sol;in&colon;example&period;org'],
    ['full width', '＠ze+phyr/in:example.org'],
    ['UTF-16 in hex', Buffer.from(USER, 'utf16le').toString('hex')],
    [
      'UTF-16 in hex, the other way round',
      Buffer.from(USER, 'utf16le').swap16().toString('hex'),
    ],
    ['SHA-512', hash('sha512')],
    ['SHA-256 cut short', hash('sha256').slice(0, 8)],
    ['SHA-1 in capitals', hash('sha1').toUpperCase()],
    ['a printed Buffer', Buffer.from(USER).toString('hex').replace(/../g, '$& ')],
    ['a printed Uint8Array', String(new Uint8Array(Buffer.from(USER)))],
    ['as Node prints that', inspect(new Uint8Array(Buffer.from(USER)))],
    ['across two lines', '@ze+phyr/in\n:example.org'],
    ['across a soft line break', '@ze+ph=\r\nyr/in:example.org'],
    ['with a character of no width', '@ze+\u200bphyr/in:example.org'],
    ['the localpart behind an escaped space', 'GET /%20ze+phyr/in'],
    ['the localpart behind an escaped line', String.raw`"hello\nze+phyr/in"`],
  ]
  for (const [title, text] of inside) {
    const cut = redact(`<${text}>`)
    t.match(cut, /\[user\]/, title)
    t.notMatch(cut, /phyr|example|7065|70 68|112, ?104/i, title)
    t.notMatch(cut, /[0-9a-f]{6}/i, title)
  }
  const entities = createRedactor(parseUserId('@a!_äÿ\u00a0}:b.c'))
  t.equal(
    entities('<&commat;a&excl;&lowbar;&auml;&yuml;&nbsp;&rcub;&colon;b&period;c>'),
    '<[user]>',
  )
  const german = createRedactor(parseUserId('@jörg:example.org'))
  for (const text of [
    'j=f6rg',
    '@j\\u00f6rg:example.org',
    '@j&ouml;rg:example.org',
    'JÖRG',
    'jo\u0308rg',
  ]) {
    t.equal(german(`<${text}>`), '<[user]>', text)
  }
})

t.test('9.26: other people are taken out, too, in the usual escapes', async t => {
  const any = createRedactor()
  t.equal(any('seen @x:y.z, key @a_b:[::1]:80'), 'seen [user], key [user]')
  for (const other of [
    ...['%40x:y.z', '%40x%3Ay.z', '%2540x%253Ay.z', '\\u0040x:y.z', '\\\\x40x:y.z'],
    ...['&#64;x:y.z', '&amp;#x40;x:y.z', '＠x:y.z', '@j\\u00f6rg:y.z', '@x:%5B::1%5D'],
  ]) {
    t.equal(any(`<${other}>`), '<[user]>', other)
  }
  t.equal(any('limit=40:x 40% a@b.c'), 'limit=40:x 40% a@b.c')
})

t.test('a redactor can be used again, and its user ID may be odd', async t => {
  for (const userId of [
    '@:example.org',
    '@a:b.c',
    '@=40:b.c',
    '@%40:b.c',
    '@\\:b.c',
    '@a\tb:b.c',
    '@\u{1f600}:b.c',
    '@ :b.c',
  ]) {
    const redact = createRedactor(parseUserId(userId))
    t.equal(redact(`<${userId}>`), '<[user]>', userId)
    t.equal(redact(`<${userId}>`), '<[user]>', `${userId} again`)
    t.equal(redact(`<${encodeURIComponent(userId)}>`), '<[user]>', userId)
    t.equal(redact(`<${JSON.stringify(userId).slice(1, -1)}>`), '<[user]>', userId)
    t.equal(redact('nothing to see 12345'), 'nothing to see 12345')
    if (localpartOf(parseUserId(userId)) === '') t.equal(redact('@ :'), '@ :')
  }
})

t.test('what is found is cut out whole and once, whatever is beside it', async t => {
  const hex = Buffer.from(USER).toString('hex')
  for (const { form, text } of userIdForms(parseUserId(USER))) {
    t.equal(redact(`<${text}>`), '<[user]>', form)
  }
  t.equal(redact(`${hex} then ${USER} then ${hex}`), '[user] then [user] then [user]')
  t.equal(redact(`${hex}zz`), '[user]zz', 'what stands beside stays')
  t.equal(redact(`${hash('sha256')} then more`), '[user] then more')
  const spaced = (userId: string) =>
    Buffer.from(userId)
      .toString('hex')
      .replace(/..(?!$)/g, '$& ')
  t.equal(redact(`<${spaced(USER)}>`), '<[user]>')
  const letters = createRedactor(parseUserId('@jlmn:jklo.nz'))
  t.equal(letters(`<${spaced('@jlmn:jklo.nz').toUpperCase()}>`), '<[user]>')
  t.equal(letters('12 34 56 78 nothing'), '12 34 56 78 nothing')
})

t.test(
  'a localpart is a word where a word begins and ends, escapes included',
  async t => {
    const cases: ReadonlyArray<
      readonly [userId: string, text: string, expected: string]
    > = [
      ['@al:b.c', 'al was here', '[user] was here'],
      ['@al:b.c', 'here was AL', 'here was [user]'],
      ['@Al:b.c', 'al', '[user]'],
      ['@al:b.c', '%2Fal', '%2F[user]'],
      ['@al:b.c', '%2fal', '%2f[user]'],
      ['@al:b.c', '%2Fxal', '%2Fxal'],
      ['@al:b.c', 'a\\u002fal', 'a\\u002f[user]'],
      ['@al:b.c', 'a\\x2fal \\nal', 'a\\x2f[user] \\n[user]'],
      ['@al:b.c', 'al\u{1d4b3}', 'al\u{1d4b3}'],
      ['@jörg:b.c', 'j%C3%B6rg', '[user]'],
      ['@a-a:b.c', 'xa-a-a', 'xa-[user]'],
      ['@..:b.c', 'x...', 'x.[user]'],
    ]
    for (const [userId, text, expected] of cases) {
      t.equal(createRedactor(parseUserId(userId))(text), expected, `${userId} in ${text}`)
    }
  },
)
