import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'

import { isError } from '../errors.ts'
import { CliError } from './cli-error.ts'

/** The streams a command reads and writes; `process` has them. */
export interface CliStreams {
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

/** What a command is called with. */
export interface CommandCall {
  /** The arguments after the command's name. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly stdin: CliStreams['stdin']
}

/** One command: what `help` says of it, and what it does. */
export interface Command {
  readonly name: string
  /** The operands, as `help` shows them; empty if there are none. */
  readonly operands: string
  /** What it does, and its options, a line each: the left and the right column of `help`. */
  readonly help: ReadonlyArray<readonly [string, string]>
  /** Resolves with what goes to standard output. */
  run(call: CommandCall): Promise<string>
}

/** The option of every command that reads the application service's files. */
export const DATA_OPTION = { data: { type: 'string' } } as const

/** Where the application service keeps its files. */
export function dataDirectoryOf(
  values: { readonly data?: string | undefined },
  env: NodeJS.ProcessEnv,
): string {
  return values.data ?? env['DATA_DIR'] ?? './data'
}

type CommandLine<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ args: string[]; options: Options; allowPositionals: true }>
>

/** @throws CliError naming the flag that is wrong */
export function parseCommandLine<Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  maxPositionals: number,
  options: Options,
): CommandLine<Options> {
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
