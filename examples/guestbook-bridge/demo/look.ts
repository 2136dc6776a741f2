import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { findResidue } from 'matrix-appservice-erasure/testing'

import type { Person } from './people.ts'

/** Where a user was found: a file, and how often. */
export type Found = ReadonlyMap<string, number>

/** Looks for a person in every file of a folder: user ID in any form, words, picture. */
export function lookFor(
  { userId, name, word, picture }: Person,
  directory: string,
): Found {
  const found = new Map<string, number>()
  const count = (path: string, places: number) => {
    const file = relative(directory, path)
    if (places > 0) found.set(file, (found.get(file) ?? 0) + places)
  }
  for (const { path } of findResidue(userId, [directory])) count(path, 1)
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    // A database makes and removes its journal at any time.
    const bytes = existsSync(path) ? readFileSync(path, 'latin1') : ''
    for (const text of [name, word, picture.toString('latin1')])
      count(path, bytes.split(text).length - 1)
  }
  return found
}

/** How many places those are in all. */
export function placesIn(found: Found): number {
  return [...found.values()].reduce((sum, places) => sum + places, 0)
}

/** Everything the bridge keeps of some users, byte by byte: rows, documents and pictures. */
export function dumpOf(
  people: ReadonlyArray<Pick<Person, 'userId'>>,
  dataDir: string,
): string {
  const userIds = people.map(({ userId }) => userId)
  const database = new DatabaseSync(join(dataDir, 'guestbook.db'), {
    readOnly: true,
    timeout: 5000,
  })
  const rowsOf = (table: string, column: string) =>
    database
      .prepare(`SELECT * FROM ${table}`)
      .all()
      .filter(row => userIds.includes(String(row[column])))
  const profiles = rowsOf('profile', 'user_id')
  const rows = [
    rowsOf('entry', 'sender'),
    profiles,
    rowsOf('admin_room', 'user_id'),
    rowsOf('activity', 'user_id'),
  ]
  database.close()
  const pictures = profiles.flatMap(({ avatar }) =>
    typeof avatar === 'string' ? [hashOf(join(dataDir, 'avatars', avatar))] : [],
  )
  const documents = documentsOf(userIds, join(dataDir, 'user-store.db'))
  return JSON.stringify({ rows, pictures, documents })
}

/** The lines of the store that are the user's, as they are: NeDB writes one document on each. */
function documentsOf(userIds: readonly string[], path: string): string[] {
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
  const documents = lines.map(line => JSON.parse(line) as Record<string, unknown>)
  const isTheirs = (value: unknown) => userIds.includes(String(value))
  const accounts = new Set(
    documents
      .filter(({ matrix_id: owner }) => isTheirs(owner))
      .map(link => link['remote_id']),
  )
  return lines
    .filter((_line, index) => {
      const { id, matrix_id: owner } = documents[index] ?? {}
      return isTheirs(id) || isTheirs(owner) || accounts.has(id)
    })
    .toSorted()
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
