import type { ErasureDoor } from '../../core/erasure-door.ts'
import { codeOf } from '../../errors.ts'
import { contain } from '../../host/logger.ts'
import {
  guardTransaction,
  hintsOfTransaction,
  usersOfTransaction,
} from '../../matrix/guard-transaction.ts'
import { isUserId } from '../../matrix/user-id.ts'
import { type Answer, refuse, unavailable } from './answer.ts'
import {
  type BodyRead,
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

/**
 * As frameworks match it: in any case, with more slashes than one and with some at the end, and also
 * where the specification had it before version r0.1.2, which matrix-bot-sdk still serves.
 */
const TRANSACTION = /^(?:\/+_matrix\/+app\/+v1)?\/+transactions\/+[^/]+\/*$/i

/** A character that frameworks decode before they match a path. A slash, `%2f`, is not among them. */
const ENCODED = /%(?!2f)([2-7][0-9a-f])/gi

/**
 * Whether a request brings a transaction.
 *
 * @param target - the request target as it was sent. Frameworks differ in what they take for its path,
 *   so we take for a transaction whatever any of them does; of what is none, nothing is removed
 */
export function isTransaction(method: string | undefined, target: string): boolean {
  if (method !== 'PUT') return false
  const path = target.replace(/^[a-z]+:\/\/[^/\\?#]*/i, '').replace(/[?#].*$/s, '')
  const decoded = path.replaceAll(ENCODED, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return TRANSACTION.test(decoded.replaceAll('\\', '/'))
}

/** A request that brings a transaction, whatever received it. */
export interface TransactionRequest extends Omit<EraseRequest, 'method' | 'readBody'> {
  /**
   * Reads the whole body, or says why it could not. If something has parsed it already, gives what it
   * was parsed to. Must stop if the body is longer than `limitBytes`. Called at most once, after the
   * token was checked. If it rejects, the body counts as cut off.
   */
  readBody(limitBytes: number): Promise<BodyRead | ParsedBody>
}

/** A body that something has parsed already. */
export interface ParsedBody {
  /** What it was parsed to. */
  readonly parsed: object
}

/** A transaction that may go on to the bridge. */
export interface GuardedTransaction {
  /** What it was parsed to. If nothing was removed, the very object that was read. */
  readonly transaction: object
  /** Whether anything was removed. */
  readonly isChanged: boolean
  /** The same as bytes. If nothing was removed, the very bytes that came. */
  toBytes(): Uint8Array
}

const CUT_OFF: BodyRead = { failed: 'cut off' }

/**
 * Reads a transaction and removes late events of erased users from it. Every door with a guard is
 * built on it. Never rejects. An `Answer` is to be sent instead of passing the transaction on.
 *
 * If the store cannot be read, the answer is 503 and nothing is passed on: the homeserver sends the
 * transaction again. A transaction without the right token is not passed on, either: the framework
 * behind may be less strict. Of a name that occurs twice in an object, the last one counts, as it does
 * for `JSON.parse`.
 *
 * @param door - `erasure.door`
 */
export async function receiveTransaction(
  door: ErasureDoor,
  request: TransactionRequest,
): Promise<GuardedTransaction | Answer> {
  const denied = denyToken(door, request)
  if (denied !== undefined) return denied
  if (isCompressed(request)) return COMPRESSED
  const read = await request.readBody(MAX_TRANSACTION_BYTES).catch(() => CUT_OFF)
  if ('failed' in read) return unreadable(read.failed, MAX_TRANSACTION_BYTES)
  const body = 'parsed' in read ? read : parseObject(read.text)
  if ('status' in body) return body
  const guarded = await guard(door, body.parsed)
  if ('status' in guarded) return guarded
  const { transaction } = guarded
  const isChanged = transaction !== body.parsed
  const toBytes = () => {
    if (isChanged || 'parsed' in read) return Buffer.from(JSON.stringify(transaction))
    return read.bytes ?? Buffer.from(read.text)
  }
  return { transaction, isChanged, toBytes }
}

function parseObject(text: string): ParsedBody | Answer {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null) return { parsed }
    return refuse(400, 'M_BAD_JSON', 'The request body must be a JSON object')
  } catch {
    return refuse(400, 'M_NOT_JSON', 'The request body is not JSON')
  }
}

async function guard(
  door: ErasureDoor,
  transaction: object,
): Promise<{ readonly transaction: object } | Answer> {
  let erased: ReadonlySet<string>
  try {
    erased = await door.findErased(usersOfTransaction(transaction))
  } catch (error) {
    door.logger.error(
      'A transaction is put off: whether its senders are erased is unknown',
      { code: codeOf(error) },
    )
    return unavailable('The transaction could not be looked through; send it again')
  }
  const isErased = (userId: string) => erased.has(userId)
  for (const userId of hintsOfTransaction(transaction, isErased)) {
    if (isUserId(userId)) contain(() => door.hint(userId))
  }
  return {
    transaction:
      erased.size === 0 ? transaction : guardTransaction(transaction, isErased),
  }
}
