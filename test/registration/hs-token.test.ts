import { inspect } from 'node:util'

import t from 'tap'

import { HsToken } from '../../lib/registration/hs-token.ts'

const token = new HsToken('right')

const cases: ReadonlyArray<readonly [string, string[], string[], string]> = [
  ['no token', [], [], 'missing'],
  ['another scheme', ['Basic cmlnaHQ='], [], 'missing'],
  ['the header', ['Bearer right'], [], 'right'],
  ['the scheme in lower case', ['bearer right'], [], 'right'],
  ['several spaces', ['Bearer   right'], [], 'right'],
  ['the query', [], ['right'], 'right'],
  ['both', ['Bearer right'], ['right'], 'right'],
  ['another scheme and the query', ['Basic eA=='], ['right'], 'right'],
  ['a wrong header', ['Bearer wrong'], [], 'wrong'],
  ['a wrong header of another length', ['Bearer rightandmore'], [], 'wrong'],
  ['an empty token', ['Bearer '], [], 'wrong'],
  ['a wrong query', [], ['wrong'], 'wrong'],
  ['a right header and a wrong query', ['Bearer right'], ['wrong'], 'wrong'],
  ['a wrong header and a right query', ['Bearer wrong'], ['right'], 'wrong'],
  ['two headers', ['Bearer right', 'Bearer right'], [], 'wrong'],
  ['two headers of which one is right', ['Bearer right', 'Bearer wrong'], [], 'wrong'],
  ['a header of another scheme besides', ['Bearer right', 'Basic eA=='], [], 'wrong'],
  ['two queries', [], ['right', 'right'], 'wrong'],
  ['the token without a scheme', ['right'], [], 'missing'],
  ['something before the scheme', ['x bearer right'], [], 'missing'],
  ['seven characters instead of the scheme', ['1234567right'], [], 'missing'],
]

t.test(
  'a token is right only if every place that names one names the right one',
  async t => {
    for (const [title, authorization, queryTokens, verdict] of cases) {
      t.equal(token.judge({ authorization, queryTokens }), verdict, title)
    }
  },
)

t.test('a token does not show in what is printed of it', async t => {
  const printed = inspect(token, { depth: 9, showHidden: true }) + JSON.stringify(token)
  t.notMatch(printed, /right/)
  t.notMatch(printed, /Buffer|[0-9a-f]{8}/, 'nor does its digest')
})
