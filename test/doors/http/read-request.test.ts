import t from 'tap'

import { fromNode, splitTarget } from '../../../lib/doors/http/read-request.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { serveListener } from '../../support/serve-listener.ts'

t.test('a target is split as it was sent', async t => {
  const table: ReadonlyArray<readonly [target: string, path: string, query: string]> = [
    ['/a?b?c', '/a', 'b?c'],
    ['/a', '/a', ''],
    ['?b', '', 'b'],
    ['http://host:1/a?b', '/a', 'b'],
    ['HTTPS://user:x@host/a', '/a', ''],
    ['http://host?b', '', 'b'],
    ['http://host#/a', '#/a', ''],
    ['//host/a', '//host/a', ''],
    ['/%61/../a', '/%61/../a', ''],
    ['http:/a', 'http:/a', ''],
    ['*', '*', ''],
  ]
  for (const [target, path, query] of table)
    t.same(splitTarget(target), { path, query }, target)
})

t.test('nothing of a body is kept once it is too large', async t => {
  const port = await serveListener(t, async (request, response) => {
    t.same(await fromNode(request, '').readBody(10), { failed: 'too large' })
    t.equal(request.listenerCount('data'), 0)
    response.end()
  })
  const headers = ['Transfer-Encoding: chunked']
  const body = `b\r\n${'x'.repeat(11)}\r\n0\r\n\r\n`
  t.equal((await sendRaw(port, request({ headers, body })))?.status, 200)
})

t.test('a client that has gone sends no body', async t => {
  const read = Promise.withResolvers<unknown>()
  const port = await serveListener(t, request => {
    request.destroy()
    request.once('close', () => read.resolve(fromNode(request, '').readBody(10)))
  })
  await sendRaw(port, request({ headers: ['Content-Length: 5'], body: 'x' }))
  t.same(await read.promise, { failed: 'cut off' })
})
