import type { DatabaseSync } from 'node:sqlite'

import type { Accounts } from './accounts.ts'
import type { Avatars } from './avatars.ts'

/** Where the bridge keeps people. */
export interface Places {
  readonly database: DatabaseSync
  readonly accounts: Accounts
  readonly avatars: Avatars
  /** Has the bot leave a room. */
  readonly leaveRoom: (roomId: string) => Promise<unknown>
  /** How long to rest between two slices of messages. */
  readonly pauseMs: number
}
