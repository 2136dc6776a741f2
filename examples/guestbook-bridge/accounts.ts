import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'

import nedb from '@seald-io/nedb'
import { MatrixUser, RemoteUser, UserBridgeStore } from 'matrix-appservice-bridge'

/** Its type declarations say that this is `default`, its CommonJS module says otherwise. */
const Datastore = nedb as unknown as typeof nedb.default

/** Which Matrix user has which guestbook account, in matrix-appservice-bridge's own store. */
export interface Accounts {
  /** The account of a user, created if there is none. `at`: when the user did what needs it. */
  accountOf(userId: string, at: number): Promise<string>
  /** The accounts a user is linked to. */
  linkedTo(userId: string): Promise<string[]>
  /** Whether a user is linked to an account, and no other user is. */
  isOnlyTheirs(account: string, userId: string): Promise<boolean>
  /** Removes a user, their links and their accounts, unless they came after `until`. */
  unlink(userId: string, until: Date): Promise<number>
  /** How many places in the store and in its files contain a user who came before `until`. */
  countPlaces(userId: string, until: Date): Promise<number>
}

/**
 * The forms in which the store may hold a user. `MatrixUser` escapes what it is given: the store
 * has `@a=2bb:hs` where events and SQL columns have `@a+b:hs`.
 */
function formsOf(userId: string): string[] {
  return [...new Set([userId, new MatrixUser(userId).getId()])]
}

/** Opens the store at `path`. */
export async function openAccounts(path: string): Promise<Accounts> {
  const database = new Datastore({
    filename: path,
    modes: { fileMode: 0o600, dirMode: 0o700 },
  })
  await database.loadDatabaseAsync()
  const store = new UserBridgeStore(database)
  const ownersOf = async (account: string) => (await store.getMatrixLinks(account)) ?? []

  /** The forms under which the user was known then: a reactivated account is not part of it. */
  async function formsBefore(userId: string, until: Date): Promise<string[]> {
    const forms = await Promise.all(
      formsOf(userId).map(async form => {
        const linkedAt: unknown = (await store.getMatrixUser(form))?.get('linkedAt')
        return typeof linkedAt === 'number' && linkedAt > until.getTime() ? [] : [form]
      }),
    )
    return forms.flat()
  }

  async function linkedTo(userId: string): Promise<string[]> {
    const links = await Promise.all(
      formsOf(userId).map(form => store.getRemoteLinks(form)),
    )
    return links.flatMap(accounts => accounts ?? [])
  }

  async function isShared(account: string, userId: string): Promise<boolean> {
    const forms = formsOf(userId)
    return (await ownersOf(account)).some(owner => !forms.includes(owner))
  }

  return {
    linkedTo,
    async accountOf(userId, at) {
      const [known] = await linkedTo(userId)
      if (known !== undefined) return known
      const account = randomUUID()
      await store.linkUsers(
        new MatrixUser(userId, { linkedAt: at }),
        new RemoteUser(account),
      )
      return account
    },
    async isOnlyTheirs(account, userId) {
      const isTheirs = (await linkedTo(userId)).includes(account)
      return isTheirs && !(await isShared(account, userId))
    },
    async unlink(userId, until) {
      let removed = 0
      for (const form of await formsBefore(userId, until)) {
        for (const account of (await store.getRemoteLinks(form)) ?? []) {
          // Before the links: a crash in between must leave the way to it.
          if (!(await isShared(account, userId)))
            removed += await store.delete({ type: 'remote', id: account })
        }
        removed += await store.delete({ type: 'union', matrix_id: form })
        removed += await store.delete({ type: 'matrix', id: form })
      }
      // NeDB only ever appends: deleted data stays in the file until the file is rewritten.
      await database.compactDatafileAsync()
      return removed
    },
    async countPlaces(userId, until) {
      const forms = await formsBefore(userId, until)
      const documents = await store.select<{ id?: string; matrix_id?: string }, unknown>(
        {},
      )
      const found = (documents as Array<{ id?: string; matrix_id?: string }>).filter(
        ({ id, matrix_id: owner }) =>
          [id, owner].some(value => forms.includes(value ?? '')),
      )
      return found.length + countInFiles([path, `${path}~`], forms)
    },
  }
}

/** The second is left over when a crash interrupts the compaction. */
function countInFiles(paths: readonly string[], forms: readonly string[]): number {
  let count = 0
  for (const path of paths.filter(existsSync)) {
    const text = readFileSync(path, 'utf8')
    // Search with the quotation marks, because the user ID may be the beginning of another one.
    for (const form of forms) count += text.split(JSON.stringify(form)).length - 1
  }
  return count
}
