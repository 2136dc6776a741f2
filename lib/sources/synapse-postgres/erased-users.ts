import { isUserId, serverNameOf, type UserId } from '../../matrix/user-id.ts'
import type { Account } from '../../watch/source.ts'
import type { Line } from './line.ts'

/** Short enough that no page keeps rows alive that Synapse has deleted. */
const PAGE = 5000
const LIST = `
  SELECT user_id FROM erased_users WHERE user_id > $1 ORDER BY user_id LIMIT ${PAGE}`
const LOOK = 'SELECT 1 FROM erased_users WHERE user_id = $1'

/**
 * Lists everybody whom Synapse counts as erased. Pages go by key, so a row that is deleted or inserted
 * meanwhile shifts no other.
 *
 * @throws SourceError
 */
export async function* listErased(
  line: Line,
  serverName: string,
): AsyncGenerator<Account> {
  let last = ''
  for (;;) {
    const rows = await line.read<{ user_id: string }>(LIST, [last])
    for (const { user_id: userId } of rows) {
      if (isUserOf(userId, serverName)) yield { userId, erased: true }
    }
    if (rows.length < PAGE) return
    last = rows.at(-1)?.user_id ?? last
  }
}

/**
 * Whether Synapse counts the user as erased: whether there is a row.
 *
 * @throws SourceError
 */
export async function isErased(line: Line, userId: UserId): Promise<boolean> {
  const rows = await line.read(LOOK, [userId])
  return rows.length > 0
}

/** Whether this is a user of that homeserver. */
export function isUserOf(userId: string, serverName: string): boolean {
  return isUserId(userId) && serverNameOf(userId) === serverName
}
