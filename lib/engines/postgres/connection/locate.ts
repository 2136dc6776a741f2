import { Client } from 'pg'

/** A URL, or the path of a socket's folder. */
const SCHEME = /^(?:postgres(?:ql)?:|socket:|\/)/i

/**
 * Host, port and database, for error messages. Never quotes `connectionString`, which may hold a
 * password.
 *
 * @throws TypeError if it is not a connection string
 */
export function locate(connectionString: unknown): string {
  // pg takes any other text for the name of a database on a host called `base`.
  if (typeof connectionString !== 'string' || !SCHEME.test(connectionString)) {
    throw new TypeError(
      'Expected `connectionString` (or DATABASE_URL) to be postgres://user@host/database',
    )
  }
  let client: Client
  try {
    client = new Client({ connectionString })
  } catch {
    throw new TypeError(
      'Expected `connectionString` (or DATABASE_URL) to be ' +
        'postgres://user:password@host:port/database; percent-encode special characters in the password',
    )
  }
  return `postgres://${client.host}:${client.port}/${client.database ?? ''}`
}
