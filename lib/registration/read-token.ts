import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import type { ErasureError } from '../errors.ts'
import { readVariable } from '../host/environment.ts'
import { invalidRegistration, type RegistrationFile, wrongToken } from './registration.ts'

const VARIABLE = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/

/**
 * Puts the `hs_token` into a registration that keeps it elsewhere: `hs_token_path` names a file,
 * `hs_token: ${NAME}` an environment variable. One line break at the file's end is left out,
 * and a relative path begins beside the registration.
 *
 * @throws ErasureError `REGISTRATION_INVALID` naming the file or the variable, never what it holds
 * @see https://github.com/matrix-org/matrix-spec/issues/1250
 */
export async function readToken(
  value: unknown,
  file?: RegistrationFile,
): Promise<unknown> {
  if (typeof value !== 'object' || value === null) return value
  const { hs_token: token, hs_token_path: path } = value as Record<string, unknown>
  if (path === undefined || path === null) {
    const name = typeof token === 'string' ? VARIABLE.exec(token)?.[1] : undefined
    if (name === undefined) return value
    return { ...value, hs_token: readFromEnvironment(name, file) }
  }
  const invalid = (what: string) => invalidRegistration(file, ['hs_token_path'], what)
  if (token !== undefined && token !== null)
    throw invalid('and hs_token are both there; keep one')
  if (typeof path !== 'string' || path === '') throw invalid('must name a file')
  const tokenFile = resolve(dirname(file?.path ?? ''), path)
  return { ...value, hs_token: await readFromFile(tokenFile, invalid) }
}

function readFromEnvironment(name: string, file?: RegistrationFile): string | undefined {
  const token = readVariable(name)
  const wrong = wrongToken(token)
  if (wrong === undefined) return token
  throw invalidRegistration(
    file,
    ['hs_token'],
    `stands in the environment variable ${name}, and that ${wrong}`,
  )
}

async function readFromFile(
  path: string,
  invalid: (what: string) => ErasureError,
): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException
    throw invalid(`names ${path}, which cannot be read (${code})`)
  })
  const token = text.replace(/\r?\n$/, '')
  const wrong = wrongToken(token)
  if (wrong === undefined) return token
  throw invalid(`names ${path}, and what that holds ${wrong}`)
}
