import type { IncomingMessage, ServerResponse } from 'node:http'

import { decode, join } from './read-request.ts'
import type { BodyRead } from './receive-erase.ts'

/**
 * Reads a body of at most `limitBytes` and puts it back, so that whatever comes behind us finds the
 * request as it arrived, and reads it in its own way. If the body is longer, stops reading and does
 * not wait.
 */
export function readAndPutBack(
  request: IncomingMessage,
  limitBytes: number,
): Promise<BodyRead> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes) {
    return Promise.resolve({ failed: 'too large' })
  }
  // If the client has already gone, no further event will come.
  if (request.destroyed) return Promise.resolve({ failed: 'cut off' })
  return new Promise(resolve => {
    const chunks: Buffer[] = []
    let lengthBytes = 0
    const end = (read: BodyRead) => {
      request.off('readable', onReadable).off('close', onClose)
      resolve(read)
    }
    const onReadable = () => {
      for (let chunk = take(request); chunk !== null; chunk = take(request)) {
        lengthBytes += chunk.length
        chunks.push(chunk)
      }
      if (lengthBytes > limitBytes) end({ failed: 'too large' })
      if (!request.complete || lengthBytes > limitBytes) return
      const body = join(chunks)
      // In the same turn: a stream that is empty in the next one has ended for good.
      request.unshift(body)
      end(decode(body))
    }
    // Also of an empty body, of which there is nothing to put back.
    const onClose = () => end({ failed: 'cut off' })
    request.on('readable', onReadable).on('close', onClose)
  })
}

/** Replaces a body that was put back. */
export function replaceBody(request: IncomingMessage, body: Uint8Array): void {
  request.read()
  request.unshift(body)
  const { headers, rawHeaders } = request
  const length = String(body.length)
  if (headers['content-length'] !== undefined) headers['content-length'] = length
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === 'content-length') rawHeaders[at + 1] = length
  }
}

/** Lets go of a body that was put back and that nobody reads: Node keeps it until the next request. */
export function dropWhenAnswered(
  request: IncomingMessage,
  response: ServerResponse,
): void {
  response.once('close', () => request.resume())
}

const take = (request: IncomingMessage) => request.read() as Buffer | null
