import type { IncomingMessage, ServerResponse } from 'node:http'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import { fromNode, type Parsed } from './read-request.ts'
import { type GuardedTransaction, receiveTransaction } from './receive-transaction.ts'
import { sendAnswer } from './send-answer.ts'

/**
 * Reads a transaction, removes late events of erased users from it, and calls `next`; or answers it,
 * as `receiveTransaction` says.
 *
 * What is passed on looks as a body parser leaves it: the parsed transaction in `request.body`, its
 * bytes in `request.rawBody`, and the mark `_body`, which tells Express's parsers that there is
 * nothing left to read. Behind a body parser, nothing is parsed again. If nothing is removed, the
 * bytes are those that came, and what a parser left is not touched.
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
  const { body } = request as Parsed
  const parsed = isRead && isParsed(body) ? body : undefined
  const guarded = await receiveTransaction(
    door,
    parsed === undefined ? sent : { ...sent, readBody: async () => ({ parsed }) },
  )
  if ('status' in guarded) {
    sendAnswer(request, response, guarded)
    return
  }
  if (!isRead) leaveAsParser(request, guarded)
  else if (guarded.isChanged) replaceParsed(request as Parsed, guarded)
  next()
}

function isParsed(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !(body instanceof Uint8Array)
}

function leaveAsParser(request: object, guarded: GuardedTransaction): void {
  const { transaction } = guarded
  Object.assign(request, { body: transaction, rawBody: guarded.toBytes(), _body: true })
}

/** Puts what may go on in the place of what a parser left, in the form in which it was left. */
function replaceParsed(request: Parsed, guarded: GuardedTransaction): void {
  const likewise = (left: unknown) => {
    if (typeof left === 'string') return Buffer.from(guarded.toBytes()).toString()
    return left instanceof Uint8Array ? guarded.toBytes() : guarded.transaction
  }
  for (const name of ['body', 'rawBody'] as const) {
    if (request[name] !== undefined) request[name] = likewise(request[name])
  }
}
