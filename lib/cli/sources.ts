import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import { describeSource, type SourceStatus } from '../core/read-status.ts'
import { leaveLetter } from '../engines/sqlite/letters.ts'
import { type SourceWord, storedWord } from '../store/source-documents.ts'
import { CliError } from './cli-error.ts'
import { type Command, parseCommandLine } from './command.ts'
import {
  changeStore,
  readStore,
  STORE_HELP,
  STORE_OPTIONS,
  type StorePlace,
  storePlaceOf,
} from './service-store.ts'
import { sourceLine } from './source-line.ts'

/** Shows what finds out about erasures, and gives an operator's word. */
export const sources: Command = {
  name: 'sources',
  operands: '[allow NAME]',
  help: [['', 'list the sources; allow one to erase those it holds back'], ...STORE_HELP],
  async run({ args, env }) {
    const options = { ...STORE_OPTIONS, json: { type: 'boolean' } } as const
    const { values, positionals } = parseCommandLine(args, 2, options)
    const place = storePlaceOf(values, env)
    const found = await readSources(place)
    const [verb, name] = positionals
    if (verb === undefined)
      return values.json ? `${JSON.stringify(found)}\n` : list(found)
    if (verb !== 'allow' || name === undefined) {
      throw new CliError('expected `sources` or `sources allow NAME`')
    }
    return allow(place, found, name)
  },
}

async function readSources(place: StorePlace): Promise<SourceStatus[]> {
  return readStore(place, async store => {
    const found: SourceStatus[] = []
    for await (const { name, state } of store.sources.states()) {
      found.push(describeSource(name, state))
    }
    return found
  })
}

function list(found: readonly SourceStatus[]): string {
  if (found.length === 0) return 'No source has ever watched on this store\n'
  return `${found.map(sourceLine).join('\n')}\n`
}

async function allow(
  place: StorePlace,
  found: readonly SourceStatus[],
  name: string,
): Promise<string> {
  const source = found.find(each => each.name === name)
  if (source === undefined) {
    const names = found.map(each => each.name).join(', ') || 'none'
    throw new CliError(`no such source; there are: ${names}`)
  }
  const { heldBack } = source
  if (heldBack === 0) throw new CliError(`source ${name} holds nobody back`)
  await leaveWord(place, name, { id: randomUUID(), count: heldBack })
  return `Allowed: the next scan of ${name} erases the ${heldBack} users it holds back\n`
}

/** Whether or not the application service runs, which alone can write the embedded store then. */
async function leaveWord(
  place: StorePlace,
  name: string,
  word: SourceWord,
): Promise<void> {
  if (place.postgres === undefined) {
    leaveLetter(join(place.dataDirectory, 'erasure.db'), storedWord(name, word))
  } else {
    await changeStore(place, store => store.sources.setWord(name, word))
  }
}
