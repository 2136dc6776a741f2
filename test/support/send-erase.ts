import { ERASE_PATH } from './answers.ts'
import { HS_TOKEN } from './open-erasure.ts'

/** How a request was answered. */
export interface EraseAnswer {
  readonly status: number
  readonly errcode: string
}

/** Sends an erase request as a homeserver does; rejects if it is not answered before `signal`. */
export async function sendErase(
  port: number,
  userId: string,
  signal?: AbortSignal,
): Promise<EraseAnswer> {
  const answer = await fetch(`http://127.0.0.1:${port}${ERASE_PATH}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${HS_TOKEN}` },
    body: JSON.stringify({ user_id: userId }),
    ...(signal === undefined ? {} : { signal }),
  })
  const { errcode = '' } = (await answer.json()) as { errcode?: string }
  return { status: answer.status, errcode }
}
