import { readFile } from 'node:fs/promises'

import { wrongToken } from '../../registration/registration.ts'
import { SourceError } from '../../watch/source.ts'

/**
 * An access token, or where to find it: a file whose only line it is, or a function. File and function
 * are asked before every request, so that a token can be replaced without a restart.
 */
export type AccessToken = string | TokenFile | (() => string | Promise<string>)

/** A file that holds an access token. */
export interface TokenFile {
  /** Its path. */
  readonly file: string
}

/**
 * The access token, as it is now.
 *
 * @throws SourceError `SOURCE_FORBIDDEN`, which says why there is none and never what it is
 */
export async function readAccessToken(from: AccessToken): Promise<string> {
  const token = await find(from)
  const wrong = wrongToken(token)
  if (wrong === undefined) return token
  throw new SourceError('SOURCE_FORBIDDEN', `The access token ${wrong}`)
}

async function find(from: AccessToken): Promise<string> {
  if (typeof from === 'string') return from
  try {
    if (typeof from === 'function') return await from()
    return (await readFile(from.file, 'utf8')).replace(/\r?\n$/, '')
  } catch {
    // The cause is left out: what a function throws may contain the token.
    const where = typeof from === 'function' ? 'the given function' : 'its file'
    throw new SourceError('SOURCE_FORBIDDEN', `The access token cannot be had: ${where}`)
  }
}
