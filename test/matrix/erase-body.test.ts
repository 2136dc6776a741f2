import fc from 'fast-check'
import t from 'tap'

import { parseEraseBody } from '../../lib/matrix/erase-body.ts'

const cases: ReadonlyArray<readonly [body: string, errcode: string | undefined]> = [
  ['{"user_id":"@bob:example.org"}', undefined],
  [' { "user_id" : "@bob:example.org" , "more" : [1] } ', undefined],
  ['{"user\\u005fid":"@bob:example.org"}', undefined],
  [
    '{"x":{"user_id":"@a:b.c","user_id":"@a:b.c"},"user_id":"@bob:example.org"}',
    undefined,
  ],
  ['{"x":"user_id","user_id":"@bob:example.org"}', undefined],
  ['{"__proto__":{"user_id":"@a:b.c"},"user_id":"@bob:example.org"}', undefined],
  ['', 'M_NOT_JSON'],
  ['{', 'M_NOT_JSON'],
  ['user_id=@bob:example.org', 'M_NOT_JSON'],
  ['{"user_id":"@bob:example.org"}}', 'M_NOT_JSON'],
  ['null', 'M_BAD_JSON'],
  ['[]', 'M_BAD_JSON'],
  ['"@bob:example.org"', 'M_BAD_JSON'],
  ['{"user_id":null}', 'M_BAD_JSON'],
  ['{"user_id":["@bob:example.org"]}', 'M_BAD_JSON'],
  ['{"user_id":"@a:b.c","user_id":"@bob:example.org"}', 'M_BAD_JSON'],
  ['{"a":{"b":1},"user_id":"@a:b.c","user_id":"@d:b.c"}', 'M_BAD_JSON'],
  ['{"a":[{},[1]],"user_id":"@a:b.c","user_id":"@d:b.c"}', 'M_BAD_JSON'],
  ['{"a":[{"user_id":1},{"user_id":1}],"user_id":"@a:b.c"}', undefined],
  ['{"user_id":"@a:b.c","a":[{"user_id":1}],"b":{"user_id":1}}', undefined],
  ['{"user_id":"@a:b.c","user\\u005fid":"@bob:example.org"}', 'M_BAD_JSON'],
  ['{"\\u0075ser_id":"@a:b.c","user_id":"@bob:example.org"}', 'M_BAD_JSON'],
  ['{}', 'M_MISSING_PARAM'],
  ['{"__proto__":{"user_id":"@bob:example.org"}}', 'M_MISSING_PARAM'],
  ['{"userId":"@bob:example.org"}', 'M_MISSING_PARAM'],
  ['{"user_id":""}', 'M_INVALID_PARAM'],
  ['{"user_id":"bob"}', 'M_INVALID_PARAM'],
  ['{"user_id":"@bob:example.org\\u0000"}', 'M_INVALID_PARAM'],
  ['{"user_id":"@b\\ud800b:example.org"}', 'M_INVALID_PARAM'],
  ['['.repeat(30_000) + ']'.repeat(30_000), 'M_BAD_JSON'],
]

t.test('a body holds one user ID, or its error is named', async t => {
  for (const [body, errcode] of cases) {
    const parsed = parseEraseBody(body)
    if ('userId' in parsed) t.equal(errcode, undefined, body.slice(0, 80))
    else t.equal(parsed.errcode, errcode, body.slice(0, 80))
  }
})

t.test('no error repeats input', async () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.json(), fc.string()),
      fc.string({ minLength: 8 }),
      (json, word) => {
        const parsed = parseEraseBody(`${json}${word}`)
        return 'userId' in parsed || !parsed.error.includes(word)
      },
    ),
  )
})

t.test('a property counts once however deep and odd its neighbours are', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), neighbours => {
      const { user_id: _ignored, ...rest } = neighbours
      const parsed = parseEraseBody(
        JSON.stringify({ ...rest, user_id: '@bob:example.org' }),
      )
      return 'userId' in parsed && parsed.userId === '@bob:example.org'
    }),
  )
})
