import type { ErasureDoor } from '../../lib/core/erasure-door.ts'
import { silentLogger } from '../../lib/host/logger.ts'
import type { Erasure } from '../../lib/index.ts'
import type { UserId } from '../../lib/matrix/user-id.ts'
import { HsToken } from '../../lib/registration/hs-token.ts'
import { createRequestIds } from '../../lib/request/request-id.ts'
import { HS_TOKEN } from './erasure.ts'

/** All of the SDK that a door asks for, with something else in the place of the rest. */
export function doorTo(remember: (userId: UserId) => Promise<unknown>): Erasure {
  const hsToken = new HsToken(HS_TOKEN)
  const requestId = createRequestIds()(0)
  const door: ErasureDoor = {
    async accept(userId) {
      await remember(userId)
      return { requestId, declined: false }
    },
    checkToken: sent => hsToken.judge(sent),
    findErased: async () => new Set(),
    learnServerName: () => {},
    logger: silentLogger,
  }
  return { door } as Partial<Erasure> as Erasure
}
