import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'

import t from 'tap'

import { eraseFetch } from '../../examples/doors/fetch-door.ts'
import { walkAnswers } from '../support/answers.ts'
import { openVolatileErasure } from '../support/open-erasure.ts'
import { serveListener } from '../support/serve-listener.ts'

/** A server of functions from Request to Response, as Hono's adapter for Node is one. */
function serveFetch(answer: (request: Request) => Promise<Response>): RequestListener {
  return async (request, response) => {
    const { status, headers, body } = await answer(toRequest(request))
    const bytes = Buffer.from(await new Response(body).arrayBuffer())
    const length = { 'content-length': bytes.length }
    response.writeHead(status, { ...Object.fromEntries(headers), ...length }).end(bytes)
  }
}

function toRequest(request: IncomingMessage): Request {
  const { method = '', rawHeaders } = request
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
  let isWanted = true
  const body = new ReadableStream({
    async start(controller) {
      request.on('data', (chunk: Buffer) => {
        if (isWanted) controller.enqueue(new Uint8Array(chunk))
      })
      await once(request, 'end')
      if (isWanted) controller.close()
    },
    cancel() {
      isWanted = false
    },
  })
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const url = new URL(request.url ?? '/', 'http://localhost')
  return new Request(url, { method, headers, ...(hasBody && { body, duplex: 'half' }) })
}

t.test('the door in examples/ gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const answer = eraseFetch(erasure)
  const rest = () => new Response('the rest of the application')
  const listener = serveFetch(async request => (await answer(request)) ?? rest())
  const port = await serveListener(t, listener)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
})
