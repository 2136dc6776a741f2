import { resolve } from 'node:path'

import { restoreFrom } from '../engines/sqlite/restore-from.ts'
import { fitsKeyIn } from './check-key.ts'
import { CliError } from './cli-error.ts'
import {
  type Command,
  DATA_OPTION,
  dataDirectoryOf,
  parseCommandLine,
} from './command.ts'

/** Puts a backup in the place of the database, while the application service is stopped. */
export const restore: Command = {
  name: 'restore',
  operands: 'FILE',
  help: [['', 'put a backup in its place; the bridge must be stopped']],
  async run({ args, env }) {
    const { values, positionals } = parseCommandLine(args, 1, DATA_OPTION)
    const [name = ''] = positionals
    if (name === '') throw new CliError('expected the name of the backup file')
    const file = resolve(name)
    const folder = dataDirectoryOf(values, env)
    const path = resolve(folder, 'erasure.db')
    await restoreFrom(path, file, fitsKeyIn(folder, file))
    return `${path}: restored. Have the requests since the backup sent again\n`
  },
}
