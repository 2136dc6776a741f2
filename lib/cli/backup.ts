import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { backUp } from '../engines/sqlite/back-up.ts'
import { fitsKeyIn } from './check-key.ts'
import { CliError } from './cli-error.ts'
import {
  type Command,
  DATA_OPTION,
  dataDirectoryOf,
  parseCommandLine,
} from './command.ts'

/** Copies the database to a file, beside the running application service if it runs. */
export const backup: Command = {
  name: 'backup',
  operands: 'FILE',
  help: [['', 'copy the database to a file, also while it is used']],
  async run({ args, env }) {
    const { values, positionals } = parseCommandLine(args, 1, DATA_OPTION)
    const [name = ''] = positionals
    if (name === '') throw new CliError('expected the name of the backup file')
    const file = resolve(name)
    const folder = dataDirectoryOf(values, env)
    await backUp(join(folder, 'erasure.db'), file, fitsKeyIn(folder, file))
    return `${name}: ${statSync(file).size} bytes, checked. The key is not in it\n`
  },
}
