import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

import type { BodyRead, EraseRequest } from './receive-erase.ts'

/** The path and query of a request target, which may be absolute (`http://host/path`). */
export function splitTarget(target: string): { path: string; query: string } {
  const relative = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = relative.indexOf('?')
  if (mark === -1) return { path: relative, query: '' }
  return { path: relative.slice(0, mark), query: relative.slice(mark + 1) }
}

/** The properties that a body parser in front of us sets on a request. */
interface Parsed {
  readonly rawBody?: unknown
  readonly body?: unknown
}

/** Turns a Node request into one to the endpoint, also behind a body parser. */
export function fromNode(request: IncomingMessage, query: string): EraseRequest {
  const sent = {
    method: request.method ?? '',
    authorization: authorizationOf(request.rawHeaders),
    queryTokens: query === '' ? [] : new URLSearchParams(query).getAll('access_token'),
  }
  // A stream that was already read does not emit `end` again.
  if (request.readableDidRead) {
    const { rawBody, body } = request as Parsed
    const read = decode(rawBody ?? body)
    return { ...sent, readBody: () => Promise.resolve(read) }
  }
  return {
    ...sent,
    contentEncoding: request.headers['content-encoding'],
    readBody: limitBytes => readBody(request, limitBytes),
  }
}

/** Every `Authorization` header: `headers` keeps only the first, and a proxy may check another. */
function authorizationOf(rawHeaders: readonly string[]): string[] {
  const found: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length !== 13 || name.toLowerCase() !== 'authorization') continue
    found.push(rawHeaders[at + 1] ?? '')
  }
  return found
}

/** Reads a body of at most `limitBytes`. If it is longer, stops reading and does not wait. */
function readBody(request: IncomingMessage, limitBytes: number): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return Promise.resolve({ failed: 'too large' })
  }
  // If the client has already gone, no further event will come.
  if (request.destroyed) return Promise.resolve({ failed: 'cut off' })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let lengthBytes = 0
    const end = (read: BodyRead) => {
      request.off('data', onData).off('end', onEnd).off('close', onClose)
      resolve(read)
    }
    const onData = (chunk: Buffer) => {
      lengthBytes += chunk.length
      chunks.push(chunk)
      if (lengthBytes > limitBytes) end({ failed: 'too large' })
    }
    const onEnd = () => end(decode(Buffer.concat(chunks)))
    const onClose = () => end({ failed: 'cut off' })
    request.on('data', onData).on('end', onEnd).on('close', onClose)
  })
}

/** A body as text; a body that a parser turned into an object is serialised again. */
function decode(body: unknown): BodyRead {
  if (typeof body === 'string') return { text: body }
  if (!(body instanceof Uint8Array)) return { text: JSON.stringify(body ?? null) }
  return isUtf8(body) ? { text: Buffer.from(body).toString() } : { failed: 'not UTF-8' }
}
