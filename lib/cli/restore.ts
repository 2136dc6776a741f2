import { restoreFrom } from '../engines/sqlite/restore-from.ts'
import type { Command } from './command.ts'
import { readCopyCall } from './read-copy-call.ts'

/** Puts a backup in the place of the database, while the application service is stopped. */
export const restore: Command = {
  name: 'restore',
  operands: 'FILE',
  help: [['', 'put a backup in its place; the bridge must be stopped']],
  async run(call) {
    const { file, path, fitsKey } = readCopyCall(call)
    await restoreFrom(path, file, fitsKey)
    return `${path}: restored. Have the requests since the backup sent again\n`
  },
}
