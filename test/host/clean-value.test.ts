import t from 'tap'

import { cleanValue } from '../../lib/host/clean-value.ts'

const redact = (text: string) => text.replaceAll('bob', '[user]')
const clean = (value: unknown) => cleanValue(value, redact)

t.test('9.26: structured fields are readable, and clean', async t => {
  class User {
    id = 'bob'
    static userId = 'bob'
  }
  const cases: ReadonlyArray<readonly [unknown, unknown]> = [
    [{ user: { id: 'bob' } }, { user: { id: '[user]' } }],
    [{ users: ['bob', 1, null, undefined] }, { users: ['[user]', 1, null, undefined] }],
    [new Map<unknown, unknown>([['bob', { n: 1 }]]), [['[user]', { n: 1 }]]],
    [new Set(['bob', 2]), ['[user]', 2]],
    [new User(), { id: '[user]' }],
    [User, '[function]'],
    [Object.assign(() => {}, { userId: 'bob' }), '[function]'],
    [Buffer.from('bob'), '[3 bytes]'],
    [new Uint16Array(4), '[8 bytes]'],
    [new ArrayBuffer(5), '[5 bytes]'],
    [Symbol('bob'), 'Symbol([user])'],
    [12n, '12'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [new Date(Number.NaN), '[no date]'],
    [/bob/g, '/[user]/g'],
    [new URL('http://hs/bob'), 'http://hs/[user]'],
    [Object('bob'), '[user]'],
    [Promise.resolve('bob'), '[promise]'],
    [new Proxy({}, {}), '[proxy]'],
    [{ [Symbol('bob')]: 'bob', a: true }, { a: true }],
    [Object.create({ name: 'x', message: 'bob' }), {}],
    [
      { ab: 1, a: 2 },
      { ab: 1, a: 2 },
    ],
    [
      { bob: 1, bob2: 2, abob: 3 },
      { '[user]': 1, '[user]2': 2, 'a[user]': 3 },
    ],
    [JSON.parse('{"__proto__": "bob"}'), JSON.parse('{"__proto__": "[user]"}')],
    [
      { toJSON: () => 'bob', inspect: () => 'bob' },
      { toJSON: '[function]', inspect: '[function]' },
    ],
  ]
  for (const [given, expected] of cases) t.strictSame(clean(given), expected)
})

t.test('9.26: of an error there is what helps, and its causes', async t => {
  const cause = new AggregateError([new Error('of bob')], 'all')
  const error = Object.assign(new TypeError('no bob', { cause }), { code: 'E1', bob: 2 })
  const cleaned = clean({ error }) as { error: { stack: string } }
  t.match(cleaned, {
    error: {
      ...{ name: 'TypeError', message: 'no [user]', code: 'E1', '[user]': 2 },
      stack: /^TypeError: no \[user\]\n {4}at .*clean-value/,
      cause: { name: 'AggregateError', errors: [{ message: 'of [user]' }] },
    },
  })
  t.notMatch(JSON.stringify(cleaned), /bob/)
})

t.test('9.26: two users who are keys of one object are both there', async t => {
  const both = cleanValue({ '@a:b': 1, '@c:d': 2 }, text => text.replace(/@.*/, '[user]'))
  t.same(both, { '[user]': 1, '[user] 2': 2 })
  t.same(clean({ xbob: 1, bob: 2 }), { 'x[user]': 1, '[user]': 2 })
})

t.test(
  '9.26: what cannot be read, has no end or is too much is said in short',
  async t => {
    const circle: Record<string, unknown> = { name: 'bob' }
    circle['self'] = [circle]
    t.same(clean(circle), { name: '[user]', self: ['[circular]'] })
    const twice = { id: 'bob' }
    t.same(clean([twice, twice]), [{ id: '[user]' }, { id: '[user]' }], 'no circle')
    const hostile = {
      get throws() {
        throw new Error('bob')
      },
      get works() {
        return 'bob'
      },
    }
    t.same(clean(hostile), { throws: '[unreadable]', works: '[user]' })
    const late = Object.assign(new Date(0), {
      toISOString() {
        throw new Error('bob')
      },
    })
    t.same(clean([late, 'bob']), ['[unreadable]', '[user]'])
    let nested: unknown = 'bob'
    for (let depth = 0; depth < 50; depth += 1) nested = { a: nested }
    t.equal(JSON.stringify(clean(nested)), `${'{"a":'.repeat(6)}"[…]"${'}'.repeat(6)}`)
    let deep: unknown = 'bob'
    for (let depth = 0; depth < 50; depth += 1) deep = [deep]
    t.equal(JSON.stringify(clean(deep)), `${'['.repeat(6)}"[…]"${']'.repeat(6)}`)
    const many = clean(Array.from({ length: 500 }, () => 'bob')) as unknown[]
    t.same([many.length, many[99], many[100]], [101, '[user]', '… 400 more'])
    const keys = clean(
      Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`k${at}`, at])),
    )
    t.match(keys, { k99: 99, '…': '400 more', k100: undefined })
    const wide = Array.from({ length: 100 }, () =>
      Array.from({ length: 100 }, () => 'bob'),
    )
    const count = (value: unknown) =>
      JSON.stringify(clean(value)).split('[user]').length - 1
    t.equal(count(wide), 989, 'of everything together a thousand: here, 11 lists besides')
    const objects = Object.fromEntries(
      wide.map((list, at) => [at, Object.assign({}, list)]),
    )
    t.equal(count(objects), 989)
    t.equal(clean('x'.repeat(16_384)), 'x'.repeat(16_384))
    const long = clean(`${'x'.repeat(16_382)}bob${'x'.repeat(100)}`) as string
    t.match(long, /^x{16382}\[u… 104 more characters$/, 'cut after it was redacted')
  },
)
