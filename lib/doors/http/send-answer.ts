import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Answer } from './answer.ts'
import { endAfter, endWhenHeardOut } from './end-connection.ts'

/**
 * Sends an answer, unless another was sent meanwhile, such as that of a time limit. If the client
 * is still sending a body, the connection ends with this answer.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: Answer,
): void {
  if (response.headersSent) return
  const isHeard = request.complete
  if (!isHeard) endAfter(request, response)
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
  const sent = request.method === 'HEAD' ? undefined : body
  if (isHeard) {
    response.end(sent)
    return
  }
  if (sent === undefined) response.flushHeaders()
  else response.write(sent)
  endWhenHeardOut(request, response)
}
