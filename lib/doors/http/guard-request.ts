import type { IncomingMessage, ServerResponse } from 'node:http'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import { codeOf } from '../../errors.ts'
import { guardTransaction, usersOfTransaction } from '../../matrix/guard-transaction.ts'
import { type Answer, refuse, unavailable } from './answer.ts'
import { fromNode } from './read-request.ts'
import { sendAnswer } from './send-answer.ts'
import {
  COMPRESSED,
  denyToken,
  type EraseRequest,
  isCompressed,
  unreadable,
} from './receive-erase.ts'

/**
 * Larger than any homeserver's transaction: Synapse sends at most a hundred events of 64 KiB, with
 * the previous content repeated twice, and as much ephemeral data.
 */
const MAX_TRANSACTION_BYTES = 48 * 1024 * 1024

/** As Express matches it: in any case, and with a slash at the end. */
const TRANSACTION = /^\/_matrix\/app\/v1\/transactions\/[^/]+\/?$/i

/** Whether a request brings a transaction. */
export function isTransaction(method: string | undefined, path: string): boolean {
  return method === 'PUT' && TRANSACTION.test(path)
}

/**
 * Reads a transaction, removes late events of erased users from it, and passes it to `next` as a
 * body parser would: in `request.body`, with the mark `_body`, which tells Express's parsers that
 * there is nothing left to read.
 *
 * If the store cannot be read, the answer is 503 and nothing is passed on: the homeserver sends the
 * transaction again. A transaction without the right token is not passed on, either: the framework
 * behind may be less strict.
 */
export async function guardRequest(
  door: ErasureDoor,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  next: () => unknown,
): Promise<void> {
  const read = await readTransaction(door, fromNode(request, query))
  if ('status' in read) {
    sendAnswer(request, response, read)
    return
  }
  const guarded = await guard(door, read.transaction)
  if ('status' in guarded) {
    sendAnswer(request, response, guarded)
    return
  }
  Object.assign(request, { body: guarded.transaction, _body: true })
  next()
}

interface Transaction {
  readonly transaction: object
}

async function readTransaction(
  door: ErasureDoor,
  request: EraseRequest,
): Promise<Transaction | Answer> {
  const denied = denyToken(door, request)
  if (denied !== undefined) return denied
  if (isCompressed(request)) return COMPRESSED
  const read = await request.readBody(MAX_TRANSACTION_BYTES)
  if ('failed' in read) return unreadable(read.failed, MAX_TRANSACTION_BYTES)
  try {
    const transaction: unknown = JSON.parse(read.text)
    if (typeof transaction === 'object' && transaction !== null) return { transaction }
    return refuse(400, 'M_BAD_JSON', 'The request body must be a JSON object')
  } catch {
    return refuse(400, 'M_NOT_JSON', 'The request body is not JSON')
  }
}

async function guard(
  door: ErasureDoor,
  transaction: object,
): Promise<Transaction | Answer> {
  try {
    const erased = await door.findErased(usersOfTransaction(transaction))
    return { transaction: guardTransaction(transaction, user => erased.has(user)) }
  } catch (error) {
    door.logger.error(
      'A transaction is put off: whether its senders are erased is unknown',
      {
        code: codeOf(error),
      },
    )
    return unavailable('The transaction could not be looked through; send it again')
  }
}
