import { statSync } from 'node:fs'

import { backUp } from '../engines/sqlite/back-up.ts'
import type { Command } from './command.ts'
import { readCopyCall } from './read-copy-call.ts'

/** Copies the database to a file, beside the running application service if it runs. */
export const backup: Command = {
  name: 'backup',
  operands: 'FILE',
  help: [['', 'copy the database to a file, also while it is used']],
  async run(call) {
    const { name, file, path, fitsKey } = readCopyCall(call)
    await backUp(path, file, fitsKey)
    return `${name}: ${statSync(file).size} bytes, checked. The key is not in it\n`
  },
}
