import { join } from 'node:path'

import { ERASE_PATHS } from '../doors/http/receive-erase.ts'
import { parseUserId } from '../matrix/user-id.ts'
import { readRegistration } from '../registration/registration-file.ts'
import { CliError } from './cli-error.ts'
import {
  type CliStreams,
  type Command,
  DATA_OPTION,
  dataDirectoryOf,
  parseCommandLine,
} from './command.ts'

/** How long the running application service may take to answer. */
const TIMEOUT_MS = 30_000

/**
 * Sends an erasure request to the running application service, as the homeserver would: for
 * requests that reach the operator by mail.
 */
export const erase: Command = {
  name: 'erase',
  operands: '<user-id>',
  help: [
    ['', 'tell the running application service to erase a user'],
    ['-', 'read it from standard input; the shell keeps no copy'],
    ['--url URL', "where it listens (the registration's url)"],
  ],
  async run({ args, env, stdin }) {
    const options = { ...DATA_OPTION, url: { type: 'string' } } as const
    const { values, positionals } = parseCommandLine(args, 1, options)
    const [given = ''] = positionals
    const userId = parse(given === '-' ? await readAll(stdin) : given)
    const file = join(dataDirectoryOf(values, env), 'registration.yaml')
    const { hs_token: hsToken, url } = await readRegistration(file)
    const base = values.url ?? url
    if (!base || !/^https?:\/\//i.test(base) || !URL.canParse(base)) {
      throw new CliError(`${file}: \`url\` is missing or not an HTTP URL; pass --url`)
    }
    return send(endpointAt(base), hsToken, userId)
  },
}

function parse(value: string): string {
  if (value === '') {
    throw new CliError('expected a user ID, or - to read it from standard input')
  }
  return parseUserId(value)
}

/** The endpoint below the path of `base`, as a homeserver appends it: a proxy may need that path. */
function endpointAt(base: string): URL {
  const url = new URL(base)
  url.pathname = url.pathname.replace(/\/+$/, '') + (ERASE_PATHS[0] ?? '')
  url.hash = ''
  return url
}

async function send(endpoint: URL, hsToken: string, userId: string): Promise<string> {
  const response = await post(endpoint, hsToken, userId)
  const body = (await response.json().catch(() => undefined)) as
    { errcode?: unknown } | undefined
  if (response.status === 200 && isAcknowledgement(body)) {
    return 'Acknowledged: the request is durable. See matrix-appservice-erasure status\n'
  }
  const place = endpoint.origin + endpoint.pathname
  if (response.status === 200) {
    throw new CliError(`${place} answered 200, but is not an application service`, 1)
  }
  const errcode = String(body?.errcode)
  const answer = `${response.status} ${/^M_[A-Z_]+$/.test(errcode) ? errcode : ''}`
  throw new CliError(`${place} did not acknowledge the request: ${answer.trim()}`, 1)
}

/** `{}`: another server on that port may answer 200 to anything. */
function isAcknowledgement(body: unknown): boolean {
  return typeof body === 'object' && body !== null && Object.keys(body).length === 0
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

async function readAll(stdin: CliStreams['stdin']): Promise<string> {
  let text = ''
  for await (const chunk of stdin) text += String(chunk)
  return text.trim()
}
