import { isError } from '../../../errors.ts'

/** What PostgreSQL and pg add to an error besides its message: keys, values, statements, sessions. */
const TELLTALE = ['detail', 'hint', 'where', 'internalQuery', 'client', 'input'] as const

/**
 * Takes from an error of pg whatever may quote a row or a connection, and leaves its message,
 * `code` (the SQLSTATE or the errno), `severity` and names of tables and constraints.
 */
export function cleanError(error: unknown): unknown {
  if (!isError(error)) return error
  for (const name of TELLTALE) if (name in error) Reflect.deleteProperty(error, name)
  return error
}

/** The SQLSTATE or errno of an error, for log lines. */
export function sqlStateOf(error: unknown): string {
  const hasCode = isError(error) && 'code' in error
  return hasCode && typeof error.code === 'string' ? error.code : 'UNKNOWN'
}

/** The SQLSTATE of a lock that could not be had in time. */
export const LOCKED = '55P03'

/**
 * Whether the server has refused a statement for a value in it that it cannot take (a data
 * exception) or keep (a limit). Another statement without the value may go through.
 */
export function isBadValue(error: unknown): boolean {
  return /^(22|54)/.test(sqlStateOf(error))
}
