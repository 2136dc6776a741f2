import { join } from 'node:path'

import { ERASE_PATHS } from '../doors/http/receive.ts'
import { parseUserId } from '../matrix/user-id.ts'
import { readRegistration } from '../registration/registration-file.ts'
import { CliError } from './cli-error.ts'

/** How long the running application service may take to answer. */
const TIMEOUT_MS = 30_000

/**
 * Sends an erasure request to the running application service, as the homeserver would: for
 * requests that reach the operator by mail.
 */
export async function erase(
  value: string,
  dataDirectory: string,
  givenUrl: string | undefined,
): Promise<string> {
  if (value === '')
    throw new CliError('expected a user ID, or - to read it from standard input')
  const userId = parseUserId(value)
  const file = join(dataDirectory, 'registration.yaml')
  const { hs_token: hsToken, url } = await readRegistration(file)
  const base = givenUrl ?? url
  if (!base || !URL.canParse(base)) {
    throw new CliError(`${file}: its url says nothing of where to send to; use --url`)
  }
  const response = await post(new URL(ERASE_PATHS[0] ?? '', base), hsToken, userId)
  if (response.status === 200) {
    return 'Acknowledged: the request is durable. See matrix-appservice-erasure status\n'
  }
  const { errcode } = (await response.json().catch(() => ({}))) as { errcode?: unknown }
  const answer = `${response.status} ${/^M_[A-Z_]+$/.test(String(errcode)) ? String(errcode) : ''}`
  throw new CliError(`${base} did not acknowledge the request: ${answer.trim()}`, 1)
}

async function post(url: URL, hsToken: string, userId: string): Promise<Response> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${hsToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ user_id: userId }),
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
  } catch {
    throw new CliError(
      `nothing answers at ${url.origin}; is the application service running?`,
      1,
    )
  }
}
