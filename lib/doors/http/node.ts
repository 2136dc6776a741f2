import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Answer } from './answer.ts'
import { lingerAfter } from './ending.ts'
import type { BodyRead, EraseRequest } from './receive.ts'

/** The path and query of a request target, which may be absolute (`http://host/path`). */
export function splitTarget(target: string): { path: string; query: string } {
  const relative = target.replace(/^https?:\/\/[^/?#]*/i, '')
  const mark = relative.indexOf('?')
  if (mark === -1) return { path: relative, query: '' }
  return { path: relative.slice(0, mark), query: relative.slice(mark + 1) }
}

/** Sees a Node request as one to the endpoint. */
export function fromNode(request: IncomingMessage): EraseRequest {
  const { query } = splitTarget(request.url ?? '')
  return {
    method: request.method ?? '',
    authorization: authorizationOf(request.rawHeaders),
    queryTokens: query === '' ? [] : new URLSearchParams(query).getAll('access_token'),
    contentEncoding: request.headers['content-encoding'],
    readBody: limitBytes => readBody(request, limitBytes),
  }
}

/** Every `Authorization` header: `headers` keeps only the first, which a proxy may not check. */
function authorizationOf(rawHeaders: readonly string[]): string[] {
  const found: string[] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length !== 13 || name.toLowerCase() !== 'authorization') continue
    found.push(rawHeaders[at + 1] ?? '')
  }
  return found
}

/** Reads a body of at most `limitBytes`; stops reading, and does not wait, where it is longer. */
function readBody(request: IncomingMessage, limitBytes: number): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return Promise.resolve({ failed: 'too large' })
  }
  // A client that has gone already sends no more events to wait for.
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
    const onEnd = () => end(decode(chunks))
    const onClose = () => end({ failed: 'cut off' })
    request.on('data', onData).on('end', onEnd).on('close', onClose)
    request.on('error', () => {})
  })
}

function decode(chunks: readonly Buffer[]): BodyRead {
  const body = Buffer.concat(chunks)
  return isUtf8(body) ? { text: body.toString() } : { failed: 'not UTF-8' }
}

/** Sends an answer. If the client is still sending a body, the connection is closed after it. */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): void {
  if (!request.complete) lingerAfter(request, response)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(request.method === 'HEAD' ? undefined : body)
}
