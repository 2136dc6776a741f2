import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import pg from 'pg'

/** Where the bridge keeps people: rows in PostgreSQL, and files. */
export interface PeopleOptions {
  readonly connectionString: string
  readonly folder: string
}

/** Of every user, in each place, and in both. */
const ITEMS = 4
export const ITEMS_EACH: number = 2 * ITEMS
const USER_ID = /^@user-(\d+):example\.org$/

export const userIdOf = (user: number): string => `@user-${user}:example.org`
export const userOf = (userId: string): number => Number(USER_ID.exec(userId)?.[1])
export const filesOf = (folder: string, user: number): string => join(folder, `${user}`)
/** As long as it is there, calls for this user do not come to an end. */
export const holdOf = (folder: string, user: number): string =>
  join(folder, `hold-${user}`)

/** Plants everybody with something to remove in each place. */
export async function plant(options: PeopleOptions, users: number): Promise<void> {
  for (let user = 0; user < users; user += 1) {
    const files = filesOf(options.folder, user)
    mkdirSync(files, { recursive: true })
    for (let item = 0; item < ITEMS; item += 1) writeFileSync(join(files, `${item}`), '')
  }
  await ask(
    options,
    `CREATE TABLE item AS SELECT usr, item
       FROM generate_series(0, ${users - 1}) usr, generate_series(0, ${ITEMS - 1}) item;
     CREATE INDEX ON item (usr)`,
  )
}

/** Has calls for these users hang until {@link release}. */
export function hold({ folder }: PeopleOptions, users: Iterable<number>): void {
  for (const user of users) writeFileSync(holdOf(folder, user), '')
}

export function release({ folder }: PeopleOptions, users: Iterable<number>): void {
  for (const user of users) rmSync(holdOf(folder, user), { force: true })
}

/** How many items are left of each user who has any. */
export async function itemsLeft(options: PeopleOptions): Promise<Map<number, number>> {
  const left = new Map<number, number>()
  const add = (user: number, count: number) =>
    left.set(user, (left.get(user) ?? 0) + count)
  const rows = await ask(options, 'SELECT usr, count(*)::int AS n FROM item GROUP BY usr')
  for (const { usr, n } of rows as Array<{ usr: number; n: number }>) add(usr, n)
  for (const name of readdirSync(options.folder)) {
    const files = join(options.folder, name)
    if (/^\d+$/.test(name) && existsSync(files)) {
      const count = readdirSync(files).length
      if (count > 0) add(Number(name), count)
    }
  }
  return left
}

async function ask(
  { connectionString }: PeopleOptions,
  query: string,
): Promise<unknown[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(query)).rows
  } finally {
    await client.end()
  }
}
