import { ErasureError, isErasureError } from '../../../errors.ts'
import { sqlStateOf } from './clean-error.ts'

/** What SQLSTATEs mean, in words for the operator. */
const REASONS: Readonly<Record<string, string>> = {
  '28000': 'the server refuses this user',
  '28P01': 'the server refuses the user or the password',
  '3D000': 'the server has no such database',
  '53300': 'the server has no connection left; look at its max_connections',
  '57P03': 'the server is starting or stopping',
}

/** @returns why a database could not be opened, as one line that says what to look at */
export function explainFailure(location: string, error: unknown): unknown {
  if (isErasureError(error)) return error
  const code = sqlStateOf(error)
  const isRefusal = /^[0-9A-Z]{5}$/.test(code)
  if (isRefusal && REASONS[code] === undefined) return error
  const reason =
    REASONS[code] ??
    `it cannot be reached (${code === 'UNKNOWN' ? 'no answer' : code}); is PostgreSQL running ` +
      'there, and is the connection string right?'
  return new ErasureError('STORE_UNREADABLE', `${location}: ${reason}`, {
    store: location,
    cause: error,
  })
}
