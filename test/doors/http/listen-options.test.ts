import t from 'tap'

import {
  type ListenOptions,
  resolveListenOptions,
} from '../../../lib/doors/http/listen-options.ts'

t.test('defaults are as documented', async t => {
  t.strictSame(resolveListenOptions({ host: undefined } as never), {
    port: 9009,
    host: '127.0.0.1',
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 30_000,
    drainMs: 10_000,
  })
})

t.test('the least and the most are taken, and nothing beyond', async t => {
  const most = 2 ** 31 - 1
  const options = { headersTimeoutMs: most, requestTimeoutMs: most, drainMs: most }
  t.match(resolveListenOptions(options), options)
  const least = { headersTimeoutMs: 1, requestTimeoutMs: 1, drainMs: 0 }
  t.match(resolveListenOptions(least), least)
  for (const [name, value] of Object.entries(least)) {
    const message = new RegExp(`\`${name}\``)
    for (const wrong of [value - 1, 2 ** 31, 1.5, Number.NaN, '5'])
      t.throws(() => resolveListenOptions({ [name]: wrong }), {
        name: 'TypeError',
        message,
      })
  }
})

t.test('a whole request includes its headers', async t => {
  const resolve = (options: ListenOptions) =>
    resolveListenOptions(options).headersTimeoutMs
  t.equal(resolve({ requestTimeoutMs: 1000 }), 1000)
  t.equal(resolve({ requestTimeoutMs: 1000, headersTimeoutMs: 2000 }), 1000)
  t.equal(resolve({ requestTimeoutMs: 2000, headersTimeoutMs: 1000 }), 1000)
})
