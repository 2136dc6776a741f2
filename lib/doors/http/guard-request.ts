import type { IncomingMessage, ServerResponse } from 'node:http'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import { dropWhenAnswered, readAndPutBack, replaceBody } from './put-back.ts'
import { fromNode, PARSED, type Parsed } from './read-request.ts'
import { type GuardedTransaction, receiveTransaction } from './receive-transaction.ts'
import { sendAnswer } from './send-answer.ts'

/**
 * Reads a transaction, removes late events of erased users from it, and calls `next`; or answers it,
 * as `receiveTransaction` says.
 *
 * What is passed on can be read as if nobody had, and looks as a body parser leaves it, too: the
 * parsed transaction in `request.body`, its bytes in `request.rawBody`, and the mark `_body`, which
 * tells Express's parsers that there is nothing to read. Behind a body parser, nothing is parsed
 * again. If nothing is removed, the bytes are those that came, and what a parser left is not touched.
 */
export async function guardRequest(
  door: ErasureDoor,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  next: () => unknown,
): Promise<void> {
  const isRead = request.readableDidRead
  const sent = fromNode(request, query)
  const { body } = request as IncomingMessage & Parsed
  const parsed = isRead && isParsed(body) ? body : undefined
  const guarded = await receiveTransaction(door, {
    ...sent,
    async readBody(limitBytes) {
      if (parsed !== undefined) return { parsed }
      return isRead ? sent.readBody(limitBytes) : readAndPutBack(request, limitBytes)
    },
  })
  if ('status' in guarded) {
    sendAnswer(request, response, guarded)
    return
  }
  if (!isRead) {
    const rawBody = guarded.toBytes()
    if (guarded.isChanged) replaceBody(request, rawBody)
    dropWhenAnswered(request, response)
    Object.assign(request, { body: guarded.transaction, rawBody, _body: true })
  } else if (guarded.isChanged) {
    replaceParsed(request as IncomingMessage & Parsed, guarded)
  }
  next()
}

function isParsed(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array)
}

/** Puts what may go on in the place of what a parser left, in the form in which it was left. */
function replaceParsed(request: Parsed, guarded: GuardedTransaction): void {
  const likewise = (left: unknown) => {
    if (typeof left === 'string') return Buffer.from(guarded.toBytes()).toString()
    if (left instanceof Promise) return Promise.resolve(guarded.toBytes())
    return left instanceof Uint8Array ? guarded.toBytes() : guarded.transaction
  }
  for (const name of PARSED) {
    if (request[name] !== undefined) request[name] = likewise(request[name])
  }
}
