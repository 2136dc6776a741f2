import type { DatabaseSync } from 'node:sqlite'

import type { Accounts } from './accounts.ts'
import type { Avatars } from './avatars.ts'

/** The places where the bridge stores users. */
export interface Places {
  readonly database: DatabaseSync
  readonly accounts: Accounts
  readonly avatars: Avatars
  /** Makes the bot leave a room. */
  readonly leaveRoom: (roomId: string) => Promise<unknown>
  /** How long to pause between two slices of messages. */
  readonly pauseMs: number
}
