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

/** Stands for the id of some request, where a test is to be read more than an id. */
export function standInId(text: string): RequestId {
  return text as RequestId
}
