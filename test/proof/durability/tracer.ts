import { fileURLToPath } from 'node:url'

import { execa } from 'execa'

const TRACER = fileURLToPath(new URL('tracer.py', import.meta.url))

/** What to watch, and when to kill. */
export interface TracerOptions {
  readonly root: string
  readonly log: string
  readonly record: string
  readonly kill?: { readonly boundary: number; readonly when: 'before' | 'after' }
}

/** The command line that a program is put behind to be traced. */
export function tracerCommand(
  python: string,
  { root, log, record, kill }: TracerOptions,
): string[] {
  const when = kill ? ['--kill', String(kill.boundary), '--when', kill.when] : []
  const watch = ['--root', root, '--log', log, '--record', record]
  return [python, '-B', TRACER, ...watch, ...when, '--']
}

/** Finds a Python that can trace. Throws where there is none: these tests are never skipped. */
export async function findPython(record: string): Promise<string> {
  for (const python of ['python3', 'python']) {
    const check = 'import sys; sys.exit(sys.version_info < (3, 10))'
    const found = await execa(python, ['-c', check]).catch(() => undefined)
    if (found === undefined) continue
    const options = { root: '/', log: '/', record }
    const [command = '', ...args] = tracerCommand(python, options)
    try {
      await execa(command, [...args, process.execPath, '--version'])
      return python
    } catch (error) {
      throw new Error(
        'The tests of promise 1 trace the system calls of a bridge, which needs Linux 5.3 or ' +
          'newer, on x86-64 or ARM64, that permits ptrace and seccomp (in a container: ' +
          '--cap-add=SYS_PTRACE, no other seccomp profile than the default)',
        { cause: error },
      )
    }
  }
  throw new Error('The tests of promise 1 need Python 3.10 or newer')
}
