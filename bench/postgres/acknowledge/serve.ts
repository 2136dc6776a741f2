// Runs our own server in front of one contender until the parent is done with it.
import { listen } from '../../../lib/doors/http/listen.ts'
import type { Served } from '../../acknowledge/serve.ts'
import { doorTo } from '../../support/door-to.ts'
import { answerParent, argument } from '../../support/parent.ts'
import { CONTENDERS } from './contenders.ts'

const contender = CONTENDERS.find(({ name }) => name === argument(0))
if (contender === undefined) throw new TypeError(`There is no contender ${argument(0)}`)
const remember = await contender.open(argument(1))
const { port } = await listen(doorTo(remember), { port: 0 })
answerParent({ port, pid: process.pid } satisfies Served)
