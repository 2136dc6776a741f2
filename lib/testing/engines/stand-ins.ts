import { randomUUID } from 'node:crypto'

import type { RequestId } from '../../request/request-id.ts'
import type { UserTag } from '../../user-seal/user-seal.ts'

/** A request id that no request has. */
export function randomRequestId(): RequestId {
  return randomUUID() as string as RequestId
}

/** Stands for the tag of some user. An engine treats tags as text. */
export function standInTag(text: string): UserTag {
  return text as UserTag
}

/** Stands for the id of some request, in a readable form. */
export function standInId(text: string): RequestId {
  return text as RequestId
}
