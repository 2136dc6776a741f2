// Runs the Koa door in front of one contender until the parent is done with it.
import type { Served } from '../../acknowledge/serve.ts'
import type { Erasure } from '../../../lib/index.ts'
import { listen } from '../../../lib/doors/koa/door.ts'
import { silentLogger } from '../../../lib/host/logger.ts'
import { HsToken } from '../../../lib/registration/hs-token.ts'
import { HS_TOKEN } from '../../support/erasure.ts'
import { answerParent, argument } from '../../support/parent.ts'
import { CONTENDERS } from './contenders.ts'

const hsToken = new HsToken(HS_TOKEN)
const contender = CONTENDERS.find(({ name }) => name === argument(0))
if (contender === undefined) throw new TypeError(`There is no contender ${argument(0)}`)
const remember = await contender.open(argument(1))
/** All of the SDK that the door asks for, with something else in the place of the store. */
const erasure: Partial<Erasure> = {
  async accept(userId) {
    await remember(userId)
    return { requestId: '', declined: false }
  },
  checkToken: sent => hsToken.judge(sent),
  logger: silentLogger,
}
const { port } = await listen(erasure as Erasure, { port: 0 })
answerParent({ port, pid: process.pid } satisfies Served)
