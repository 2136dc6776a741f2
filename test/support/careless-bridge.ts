// A bridge that stores whatever an event tells it about anybody, as real ones do, on a real SQLite
// file, and the purge handlers that take it out again.
import { DatabaseSync } from 'node:sqlite'

import type { BridgeController, Request, WeakEvent } from 'matrix-appservice-bridge'

import type { Erasure } from '../../lib/core/erasure.ts'

const TABLES = ['message', 'profile', 'last_seen', 'power'] as const

/** The bridge's data, the controller that writes it, and the handlers that purge it. */
export interface CarelessBridge {
  readonly controller: BridgeController
  register(erasure: Erasure): void
  /** Rows about a user in every table. */
  rowsOf(userId: string): number
  close(): void
}

export function carelessBridge(path: string): CarelessBridge {
  const db = new DatabaseSync(path)
  for (const table of TABLES) db.exec(`CREATE TABLE ${table} (user TEXT, value TEXT)`)
  const insert = (table: string, user: string, value = '') =>
    db.prepare(`INSERT INTO ${table} VALUES (?, ?)`).run(user, value)
  const count = (table: string, user: string) =>
    Number(
      db.prepare(`SELECT count(*) AS n FROM ${table} WHERE user = ?`).get(user)?.['n'],
    )
  const store = (event: WeakEvent) => {
    const { type, sender, state_key: user, content } = event
    insert('last_seen', sender)
    if (type === 'm.room.message') insert('message', sender, String(content['body']))
    if (type === 'm.room.member' && typeof content['displayname'] === 'string') {
      insert('profile', String(user), content['displayname'])
    }
    // What a name was before is shown beside the new one.
    const { prev_content: before } = event as { prev_content?: { displayname?: unknown } }
    if (typeof before?.displayname === 'string')
      insert('profile', String(user), before.displayname)
    // People who are mentioned are looked up, to have their names at hand.
    const mentions = content['m.mentions'] as { user_ids?: string[] } | undefined
    for (const mentioned of mentions?.user_ids ?? []) insert('profile', mentioned)
    if (type !== 'm.room.power_levels') return
    for (const powerful of Object.keys(content['users'] as object))
      insert('power', powerful)
  }
  return {
    controller: {
      onEvent(request: Request<WeakEvent>) {
        store(request.getData())
        request.resolve(undefined)
      },
      onEphemeralEvent(request) {
        const { type, content } = request.getData()
        if (type === 'm.typing')
          for (const user of content.user_ids) insert('last_seen', user)
      },
      onLog: () => {},
    },
    register(erasure) {
      for (const table of TABLES) {
        erasure.onUserErase(table.replace('_', '-'), {
          purge: async ({ userId }) =>
            void db.prepare(`DELETE FROM ${table} WHERE user = ?`).run(userId),
          verify: async ({ userId }) => count(table, userId),
          retry: { attempts: 20, baseMs: 1, capMs: 20 },
        })
      }
    },
    rowsOf: user => TABLES.reduce((sum, table) => sum + count(table, user), 0),
    close: () => db.close(),
  }
}
