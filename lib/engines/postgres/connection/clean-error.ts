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
