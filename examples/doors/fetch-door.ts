// A door of your own, for any framework with Request and Response: Hono, h3 2, Bun, Deno. It does
// what all doors do: it passes the request to `receiveErase`, and sends the answer.
import { isUtf8 } from 'node:buffer'

import type { Erasure } from 'matrix-appservice-erasure'
import { type BodyRead, ERASE_PATHS, receiveErase } from 'matrix-appservice-erasure/http'

/** Makes a function that answers erasure requests, and returns `undefined` for any other. */
export function eraseFetch(erasure: Erasure) {
  return async (request: Request): Promise<Response | undefined> => {
    const { pathname, searchParams } = new URL(request.url)
    if (!ERASE_PATHS.includes(pathname)) return undefined
    const authorization = request.headers.get('authorization')
    const { status, headers, body } = await receiveErase(erasure.door, {
      method: request.method,
      authorization: authorization === null ? [] : [authorization],
      queryTokens: searchParams.getAll('access_token'),
      contentEncoding: request.headers.get('content-encoding') ?? undefined,
      readBody: limitBytes => readBody(request, limitBytes),
    })
    return new Response(body, { status, headers })
  }
}

async function readBody(request: Request, limitBytes: number): Promise<BodyRead> {
  const announcedBytes = Number(request.headers.get('content-length') ?? 0)
  if (announcedBytes > limitBytes) return { failed: 'too large' }
  const chunks: Uint8Array[] = []
  let lengthBytes = 0
  for await (const chunk of request.body ?? []) {
    lengthBytes += chunk.length
    if (lengthBytes > limitBytes) return { failed: 'too large' }
    chunks.push(chunk)
  }
  const body = Buffer.concat(chunks)
  return isUtf8(body) ? { text: body.toString() } : { failed: 'not UTF-8' }
}
