// The bridges of the story.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import { dumpOf } from '../../../examples/guestbook-bridge/demo/look.ts'
import type { BridgeKind } from './test-bridge.ts'

/** The example, on matrix-appservice-bridge. */
export const GUESTBOOK: BridgeKind = {
  name: 'guestbook',
  main: 'examples/guestbook-bridge/main.ts',
  ready: 'guestbook bridge: appservice on',
  messagesOf: (dataDir, userId) => count(join(dataDir, 'guestbook.db'), 'entry', userId),
  dumpOf: (dataDir, userIds) =>
    dumpOf(
      userIds.map(userId => ({ userId })),
      dataDir,
    ),
}

/** A small bridge on matrix-bot-sdk. */
export const DIARY: BridgeKind = {
  name: 'diary',
  main: 'test/e2e/bridges/diary/main.ts',
  ready: 'diary: ready',
  messagesOf: (dataDir, userId) => count(join(dataDir, 'diary.db'), 'line', userId),
  dumpOf(dataDir, userIds) {
    const rowsOf = (table: string, column: string) =>
      read(join(dataDir, 'diary.db'), `SELECT * FROM ${table} ORDER BY 1`).filter(row =>
        userIds.includes(String(row[column])),
      )
    return JSON.stringify([rowsOf('line', 'sender'), rowsOf('person', 'user_id')])
  },
}

function count(path: string, table: string, sender: string): number {
  const rows = read(path, `SELECT sender FROM ${table}`)
  return rows.filter(row => row['sender'] === sender).length
}

function read(path: string, query: string): Array<Record<string, unknown>> {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  try {
    return database.prepare(query).all()
  } finally {
    database.close()
  }
}
