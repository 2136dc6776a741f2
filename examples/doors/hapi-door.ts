// A door of your own, here for hapi. It does what all doors do: it passes the request to
// `receiveErase`, and sends the answer. npm install @hapi/hapi
import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'

import type { Lifecycle, Request, ServerRoute } from '@hapi/hapi'

import type { Erasure } from 'matrix-appservice-erasure'
import { type BodyRead, ERASE_PATHS, receiveErase } from 'matrix-appservice-erasure/http'

/** Makes the routes that answer erasure requests: `server.route(eraseRoutes(erasure))`. */
export function eraseRoutes(erasure: Erasure): ServerRoute[] {
  const handler: Lifecycle.Method = async (request, h) => {
    const { status, headers, body } = await receiveErase(erasure.door, {
      method: request.method.toUpperCase(),
      authorization: request.raw.req.headersDistinct['authorization'] ?? [],
      queryTokens: request.url.searchParams.getAll('access_token'),
      contentEncoding: request.raw.req.headers['content-encoding'],
      readBody: limitBytes => readBody(request, limitBytes),
    })
    const response = h.response(body).code(status)
    for (const [name, value] of Object.entries(headers)) response.header(name, value)
    return response
  }
  // hapi must neither read the body nor refuse it: its errors are not Matrix's.
  const payload = {
    output: 'stream',
    parse: false,
    maxBytes: Number.MAX_SAFE_INTEGER,
  } as const
  return ERASE_PATHS.map(path => ({ method: '*', path, handler, options: { payload } }))
}

async function readBody(request: Request, limitBytes: number): Promise<BodyRead> {
  if (Number(request.headers['content-length']) > limitBytes) {
    return { failed: 'too large' }
  }
  let body = Buffer.alloc(0)
  const sent = request.payload as Readable
  for await (const chunk of sent.iterator({ destroyOnReturn: false })) {
    body = Buffer.concat([body, chunk])
    if (body.length > limitBytes) return { failed: 'too large' }
  }
  return isUtf8(body) ? { text: body.toString() } : { failed: 'not UTF-8' }
}
