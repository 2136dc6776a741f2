// Restores the backup argv[3] into the folder argv[2], and is killed before the call argv[4] that
// changes a file, counted from 1.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const [folder = '', file = '', call = '0'] = process.argv.slice(2)
let left = Number(call)

function dieBefore(owner: object, name: string): void {
  const original = Reflect.get(owner, name) as (...args: unknown[]) => unknown
  Reflect.set(owner, name, function (this: unknown, ...args: unknown[]) {
    left -= 1
    if (left === 0) process.kill(process.pid, 'SIGKILL')
    return Reflect.apply(original, this, args)
  })
}

for (const name of ['copyFileSync', 'fsyncSync', 'renameSync', 'rmSync'])
  dieBefore(fs, name)
syncBuiltinESMExports()

const { runCli } = await import('../../lib/cli/run-cli.ts')
process.exitCode = await runCli(['restore', file, '--data', folder], {}, process)
