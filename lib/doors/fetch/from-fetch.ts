import type { ErasureDoor } from '../../core/erasure-door.ts'
import type { Answer } from '../http/answer.ts'
import { decode, splitTarget } from '../http/read-request.ts'
import type { BodyRead, EraseRequest } from '../http/receive-erase.ts'

/** The path and the query of a request, as the server spelt them: `URL` would resolve `..` and `\`. */
export function splitUrl(request: Request): { path: string; query: string } {
  return splitTarget(request.url)
}

/** Turns a `Request` into one to the endpoint. */
export function fromFetch(
  { logger }: ErasureDoor,
  request: Request,
  query: string,
): EraseRequest {
  const authorization = request.headers.get('authorization')
  return {
    method: request.method,
    // If it was sent twice, both are in it, with a comma between: that is no token of ours.
    authorization: authorization === null ? [] : [authorization],
    queryTokens: query === '' ? [] : new URLSearchParams(query).getAll('access_token'),
    contentEncoding: request.headers.get('content-encoding') ?? undefined,
    async readBody(limitBytes) {
      if (!request.bodyUsed) return readBody(request, limitBytes)
      logger.error('A request from the homeserver was read before it came to its door')
      return { failed: 'cut off' }
    },
  }
}

/** Reads a body of at most `limitBytes`. If it is longer, stops reading and does not wait. */
async function readBody(request: Request, limitBytes: number): Promise<BodyRead> {
  if (Number(request.headers.get('content-length') ?? 0) > limitBytes) {
    return { failed: 'too large' }
  }
  if (request.body === null) return { text: '' }
  // Not `for await`: it cancels the stream when it stops early, and servers then cut the connection.
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let lengthBytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return decode(Buffer.concat(chunks))
      lengthBytes += value.length
      if (lengthBytes > limitBytes) return { failed: 'too large' }
      chunks.push(value)
    }
  } finally {
    reader.releaseLock()
  }
}

/** An answer as a `Response`. */
export function toResponse({ status, headers, body }: Answer): Response {
  // Some servers would send it in chunks.
  const length = { 'content-length': String(Buffer.byteLength(body)) }
  return new Response(body, { status, headers: { ...headers, ...length } })
}
