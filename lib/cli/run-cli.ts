import { isError } from '../errors.ts'
import { createRedactor } from '../matrix/redactor.ts'
import { backup } from './backup.ts'
import { CliError } from './cli-error.ts'
import { type CliStreams, type Command } from './command.ts'
import { erase } from './erase.ts'
import { registration } from './registration.ts'
import { restore } from './restore.ts'
import { status } from './status.ts'

/** Every command there is: `help`, the error of an unknown one and the call go by this list. */
const COMMANDS: readonly Command[] = [registration, erase, status, backup, restore]

/**
 * Runs a command.
 *
 * @returns the exit code: 0; 1 if the other side failed; 2 if the call or its files are wrong
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
    const [line] = createRedactor()(message).split('\n')
    streams.stderr.write(`matrix-appservice-erasure: ${line}\n`)
    return error instanceof CliError ? error.exitCode : 2
  }
}

async function run(
  [name = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  { stdin }: CliStreams,
): Promise<string> {
  if (name === 'help' || name === '--help' || name === '-h') return usage()
  const command = COMMANDS.find(known => known.name === name)
  if (command !== undefined) return command.run({ args, env, stdin })
  const names = COMMANDS.map(known => known.name).join(', ')
  throw new CliError(`expected a command: ${names} or help`)
}

/** The column at which `help` says what something is for. */
const COLUMN = 31

function usage(): string {
  const commands = COMMANDS.flatMap(({ name, operands, help }) => {
    const [[, purpose] = ['', ''], ...options] = help
    return [
      `  ${`${name} ${operands}`.padEnd(COLUMN - 2)}${purpose}`,
      ...options.map(([option, text]) => `      ${option.padEnd(COLUMN - 6)}${text}`),
    ]
  })
  return `Usage: matrix-appservice-erasure <command>

${commands.join('\n')}

  ${'--data DIR'.padEnd(COLUMN - 2)}where registration.yaml, erasure.key and erasure.db are
${' '.repeat(COLUMN)}($DATA_DIR, or else ./data)
`
}
