import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { execa } from 'execa'

/** The root of the repository. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** How a program is run. */
export interface ProgramOptions {
  /** Besides what this process has; `undefined` is not set. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly nodeArgs?: readonly string[]
  /** A command to run it under, with its arguments. */
  readonly under?: readonly string[]
  /** Its standard input; without it, that stays open, to be written to. */
  readonly input?: string
  /** It is sent messages, and sends some; what it prints is not kept for the end. */
  readonly ipc?: boolean
}

/** How a program ended, and what it printed. */
export interface Ended {
  readonly code: number | undefined
  readonly signal: string | undefined
  readonly stdout: string
  readonly stderr: string
}

type Subprocess = ReturnType<typeof spawn>

/** A program in a process of its own. */
export interface Program {
  readonly process: Subprocess
  /** What it has printed on its standard output so far. */
  readonly lines: readonly string[]
  /** How it ended; never rejects. */
  readonly ended: Promise<Ended>
  /** Resolves with the first line that `pattern` matches; rejects if it ends without one. */
  printed(pattern: RegExp): Promise<string>
  /** Sends it a message. */
  send(message: object): Promise<void>
  /** Its next message; rejects if it ends without one. */
  told(): Promise<unknown>
  /** Sends a signal, SIGKILL by default, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Ended>
}

/**
 * Starts a program of this repository on this Node, without what tap puts into its children: that
 * handles signals and slows the start. It ends when this process does.
 *
 * @param file - relative to the root of the repository, or absolute
 */
export function startProgram(
  file: string,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Program {
  const { nodeArgs = [], under = [] } = options
  // By `env`, since tap puts NODE_OPTIONS back into what it sees being started.
  const node = ['env', '-u', 'NODE_OPTIONS', process.execPath]
  const program = ['--conditions=erasure-source', ...nodeArgs, file, ...args]
  return startCommand([...under, ...node, ...program], options)
}

/** Starts any other program likewise. */
export function startCommand(
  [file = '', ...args]: readonly string[],
  { env, input, ipc = false }: ProgramOptions = {},
): Program {
  const subprocess = spawn(file, args, { ...ownEnvironment(), ...env }, ipc)
  // One that was killed reads no more.
  subprocess.stdin.on('error', () => {})
  if (input !== undefined) subprocess.stdin.end(input)
  const ended = waitFor(subprocess)
  return {
    process: subprocess,
    ended,
    ...watchLines(subprocess, ended),
    send: async message => subprocess.sendMessage?.(message as never),
    told: async () => subprocess.getOneMessage?.(),
    end(signal = 'SIGKILL') {
      subprocess.kill(signal)
      return ended
    },
  }
}

/** Runs a program of this repository to its end. */
export function runProgram(
  file: string,
  args: readonly string[] = [],
  options: ProgramOptions = {},
): Promise<Ended> {
  return startProgram(file, args, { input: '', ...options }).ended
}

function spawn(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ipc: boolean,
) {
  return execa(file, args, {
    cwd: ROOT,
    extendEnv: false,
    env,
    reject: false,
    stripFinalNewline: false,
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    ipc,
    buffer: !ipc,
  })
}

/** The environment of this process without what tap adds. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return env
}

async function waitFor(subprocess: Subprocess): Promise<Ended> {
  const { exitCode, signal, stdout, stderr } = await subprocess
  return { code: exitCode, signal, stdout: stdout ?? '', stderr: stderr ?? '' }
}

function watchLines(
  subprocess: Subprocess,
  ended: Promise<Ended>,
): Pick<Program, 'lines' | 'printed'> {
  const lines: string[] = []
  const input = createInterface({ input: subprocess.stdout })
  input.on('line', line => lines.push(line))
  return {
    lines,
    printed: pattern =>
      new Promise((resolve, reject) => {
        const find = (line: string) => {
          if (pattern.test(line)) resolve(line)
        }
        lines.forEach(find)
        input.on('line', find)
        const fail = ({ stdout, stderr }: Ended) =>
          reject(new Error(`It ended before ${pattern} was printed:\n${stdout}${stderr}`))
        void ended.then(fail)
      }),
  }
}
