import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

import { isError } from '../errors.ts'
import { createRedactor } from '../matrix/redactor.ts'
import { createRegistration } from '../registration/registration-file.ts'
import { CliError } from './cli-error.ts'
import { erase } from './erase.ts'
import { status } from './status.ts'

/** The streams a command reads and writes; `process` has them. */
export interface CliStreams {
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

const USAGE = `Usage: matrix-appservice-erasure <command>

  registration            print a registration with fresh random tokens
      --id ID             unique on the homeserver (erasure)
      --url URL           where the homeserver reaches us (http://localhost:9009)
      --sender-localpart  the bot (the id)
      --user-regex REGEX  the ghosts, claimed exclusively (none)
  erase <user-id>         have a user erased by the running application service;
                          - reads the user ID from standard input, which keeps it
                          out of the shell's history
      --url URL           where it listens (the registration's url)
  status [request-id]     what is open, blocked, overdue
      --json              for programs
      --postgres          in the PostgreSQL database that $DATABASE_URL names
      --schema NAME       where in it (matrix_appservice_erasure)

  --data DIR              where registration.yaml, erasure.key and erasure.db are
                          ($DATA_DIR, or else ./data)
`

const DATA = { data: { type: 'string' } } as const

/**
 * Runs a command.
 *
 * @returns the exit code: 0; 1 where the other side failed; 2 where the call or its files are wrong
 */
export async function runCli(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: CliStreams,
): Promise<number> {
  try {
    streams.stdout.write(await run(args, env, streams))
    return 0
  } catch (error) {
    const message = isError(error) ? error.message : 'unexpected error'
    streams.stderr.write(`matrix-appservice-erasure: ${createRedactor()(message)}\n`)
    return error instanceof CliError ? error.exitCode : 2
  }
}

async function run(
  [command, ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  streams: CliStreams,
): Promise<string> {
  switch (command) {
    case 'registration': {
      const { id, url, ...more } = parse(args, 0, {
        id: { type: 'string' },
        url: { type: 'string' },
        'sender-localpart': { type: 'string' },
        'user-regex': { type: 'string' },
      }).values
      const options = {
        id,
        url,
        senderLocalpart: more['sender-localpart'],
        userRegex: more['user-regex'],
      }
      return createRegistration(options)
    }
    case 'erase': {
      const { values, positionals } = parse(args, 1, { ...DATA, url: { type: 'string' } })
      const [userId = ''] = positionals
      return erase(
        userId === '-' ? await readAll(streams.stdin) : userId,
        dataOf(values, env),
        values.url,
      )
    }
    case 'status':
      return runStatus(args, env)
    case '--help':
    case 'help':
      return USAGE
    default:
      throw new CliError('expected a command: registration, erase, status or help')
  }
}

function runStatus(args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const { values, positionals } = parse(args, 1, {
    ...DATA,
    json: { type: 'boolean' },
    postgres: { type: 'boolean' },
    schema: { type: 'string' },
  })
  const dataDirectory = dataOf(values, env)
  if (!values.postgres && values.schema !== undefined) {
    throw new CliError('--schema is for --postgres')
  }
  const postgres = values.postgres ? postgresOf(values.schema, env) : undefined
  return status(positionals[0], { dataDirectory, postgres }, values.json ?? false)
}

function dataOf(values: { data?: string | undefined }, env: NodeJS.ProcessEnv): string {
  return values.data ?? env['DATA_DIR'] ?? './data'
}

/** From the environment: other users of the machine can read a command line, password and all. */
function postgresOf(schema: string | undefined, env: NodeJS.ProcessEnv) {
  const connectionString = env['DATABASE_URL']
  if (!connectionString) {
    throw new CliError(
      '--postgres needs DATABASE_URL=postgres://user:password@host/database',
    )
  }
  return { connectionString, schema }
}

function parse<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  maxPositionals: number,
  options: Options,
) {
  try {
    const parsed = parseArgs({ args: [...args], options, allowPositionals: true })
    if (parsed.positionals.length <= maxPositionals) return parsed
  } catch (error) {
    // Node's first sentence names the flag; the rest advises about things we do not have.
    const [sentence] = isError(error) ? error.message.split('. ') : []
    throw new CliError(`${sentence}; see matrix-appservice-erasure help`)
  }
  throw new CliError('too many arguments; see matrix-appservice-erasure help')
}

async function readAll(stdin: CliStreams['stdin']): Promise<string> {
  let text = ''
  for await (const chunk of stdin) text += String(chunk)
  return text.trim()
}
