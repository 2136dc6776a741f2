import { inspect } from 'node:util'

import t from 'tap'

import { synapse } from '../../../lib/sources/index.ts'
import { resolveSynapseOptions } from '../../../lib/sources/synapse/synapse-options.ts'

const REQUIRED = {
  url: 'http://127.0.0.1:8008',
  accessToken: 'token-of-a-test',
  serverName: 'hs.test',
}

t.test('defaults are as documented', async t => {
  const { url, ...others } = resolveSynapseOptions({
    ...REQUIRED,
    name: undefined,
  } as never)
  t.equal(url.href, 'http://127.0.0.1:8008/')
  t.strictSame(others, {
    accessToken: 'token-of-a-test',
    serverName: 'hs.test',
    intervalMs: 60_000,
    fullIntervalMs: 3_600_000,
    maxBusyPercent: 1,
    pageSize: 5000,
    name: 'synapse',
    rules: {},
  })
})

t.test('rules are passed on, and only those that were given', async t => {
  const rules = {
    firstRun: 'baseline',
    acceptPerMinute: 5,
    maxPerScan: 7,
    graceMs: 9,
  } as const
  t.same(synapse({ ...REQUIRED, ...rules }).rules, rules)
  t.same(synapse({ ...REQUIRED, maxPerScan: 7, graceMs: undefined } as never).rules, {
    maxPerScan: 7,
  })
})

t.test('a path in the URL is kept', async t => {
  const { url } = resolveSynapseOptions({ ...REQUIRED, url: 'https://hs.test/matrix' })
  t.equal(url.href, 'https://hs.test/matrix/')
})

t.test('what cannot be used is named, and not repeated', async t => {
  const wrong: ReadonlyArray<readonly [string, ...unknown[]]> = [
    ['url', undefined, 'hs.test', 'ftp://hs.test', 'http://secret-of:a-test@hs.test', 7],
    ['url', 'http://hs.test/?secret-of=a-test', 'http://hs.test/#secret-of-a-test'],
    ['accessToken', undefined, '', 7, {}, { file: '' }, null, 'secret-of\na-test'],
    ['serverName', undefined, '', 'secret-of a-test', '@secret-of-a-test:hs.test', 7],
    ['intervalMs', 0, -1, 1.5, '5', Number.NaN, Number.POSITIVE_INFINITY],
    ['fullIntervalMs', 0, -1, 1.5, '5', Number.NaN, Number.POSITIVE_INFINITY],
    ['maxBusyPercent', 0, -1, 1.5, 101, '5', Number.NaN],
    ['pageSize', 1, 0, 2.5, '5'],
    ['name', '', 'Two Words', 'secret-of_a-test', '-a', 'a-', 7],
    ['intervallMs', 5],
  ]
  for (const [name, ...values] of wrong) {
    for (const value of values) {
      const options = { ...REQUIRED, [name]: value }
      t.throws(
        () => synapse(options as never),
        { name: 'TypeError', message: new RegExp(`\`${name}\``) },
        `${name}: ${inspect(value)}`,
      )
      try {
        synapse(options as never)
      } catch (error) {
        t.notMatch(inspect(error), /secret-of/)
      }
    }
  }
})

t.test('nothing shows the access token', async t => {
  const source = synapse({ ...REQUIRED, accessToken: 'secret-of-a-test' })
  t.notMatch(inspect(source, { depth: null, showHidden: true }), /secret-of/)
  t.notMatch(JSON.stringify(source), /secret-of/)
})
