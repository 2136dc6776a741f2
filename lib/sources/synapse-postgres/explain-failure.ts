import { sqlStateOf } from '../../postgres/clean-error.ts'
import { SourceError } from '../../watch/source.ts'

const FORBIDDEN: Readonly<Record<string, string>> = {
  '28000': 'The database refuses this role',
  '28P01': 'The database refuses the role or the password',
  '42501':
    'The role lacks a right: grant it SELECT on erased_users and ' +
    'cache_invalidation_stream_by_instance, without row security',
}
const INVALID: Readonly<Record<string, string>> = {
  '3D000': 'The server has no such database',
  '42P01': "The database has no tables of Synapse's in the role's search_path",
  '42703': "The database has tables that are not as Synapse's are",
}

/**
 * What to tell of an error of pg: our own words and the SQLSTATE or errno, because the error itself may
 * quote a user or a password.
 */
export function explainFailure(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  const code = sqlStateOf(error)
  const forbidden = FORBIDDEN[code]
  if (forbidden !== undefined) return new SourceError('SOURCE_FORBIDDEN', forbidden)
  const invalid = INVALID[code]
  if (invalid !== undefined) return new SourceError('SOURCE_INVALID', invalid)
  const reason = code === 'UNKNOWN' ? 'no answer' : code
  return new SourceError(
    'SOURCE_UNREACHABLE',
    `The database cannot be reached, or does not answer (${reason})`,
  )
}
