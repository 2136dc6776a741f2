import { join, resolve } from 'node:path'

import type { CheckCopy } from '../engines/sqlite/check-copy.ts'
import { fitsKeyIn } from './check-key.ts'
import { CliError } from './cli-error.ts'
import {
  type CommandCall,
  DATA_OPTION,
  dataDirectoryOf,
  parseCommandLine,
} from './command.ts'

/** What `backup` and `restore` are called with. */
export interface CopyCall {
  /** The backup file, as it was named. */
  readonly name: string
  /** Its absolute path. */
  readonly file: string
  /** The absolute path of the database. */
  readonly path: string
  /** Whether a copy fits the key beside the database. */
  readonly fitsKey: CheckCopy
}

/** @throws CliError if no file is named, or a flag is wrong */
export function readCopyCall({ args, env }: CommandCall): CopyCall {
  const { values, positionals } = parseCommandLine(args, 1, DATA_OPTION)
  const [name = ''] = positionals
  if (name === '') throw new CliError('expected the name of the backup file')
  const file = resolve(name)
  const folder = resolve(dataDirectoryOf(values, env))
  return {
    name,
    file,
    path: join(folder, 'erasure.db'),
    fitsKey: fitsKeyIn(folder, file),
  }
}
