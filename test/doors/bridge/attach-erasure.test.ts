import { AppService } from 'matrix-appservice'
import t from 'tap'

import {
  attachErasure,
  type BridgeLike,
  type ExpressLike,
} from '../../../lib/doors/bridge/attach-erasure.ts'
import { ERASE_PATH, request, sendRaw, walkAnswers } from '../../support/answers.ts'
import { freePort } from '../../support/free-port.ts'
import { createBridge, listening } from '../../support/open-bridge.ts'
import {
  HS_TOKEN,
  openErasure,
  openVolatileErasure,
  REGISTRATION,
} from '../../support/open-erasure.ts'

const bob = '@bob:example.org'

t.test(
  'the bridge door gives every answer of the table, before and after run()',
  async t => {
    for (const when of ['before', 'after'] as const) {
      const { erasure, store, log } = await openVolatileErasure(t)
      const { bridge, logged } = createBridge(t)
      if (when === 'before') attachErasure(bridge, erasure)
      const port = await listening(bridge)
      if (when === 'after') attachErasure(bridge, erasure)
      await walkAnswers(t, {
        port,
        isOwnServer: false,
        breakStore: broken => (store.failWrites = broken ? 'throw' : 'no'),
      })
      t.notMatch(
        logged.join('\n'),
        /erase|bob|the-hs-token/,
        'the access log says nothing of it',
      )
      t.notMatch(log.text(), /bob|the-hs-token/)
      const other = await fetch(`http://127.0.0.1:${port}/health`)
      t.equal(await other.text(), 'OK', 'the rest still reaches the bridge')
    }
  },
)

t.test(
  'an application service of one’s own, a second listen and listen() alone work too',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const { bridge } = createBridge(t)
    attachErasure(bridge, erasure)
    const port = await freePort()
    const own = new AppService({ homeserverToken: HS_TOKEN })
    await bridge.run(port, own, '127.0.0.1')
    t.equal((await sendRaw(port, request()))?.status, 200)
    await bridge.close()
    const { handle } = own.expressApp as never as ExpressLike
    await bridge.listen(port, '127.0.0.1', 10, own)
    t.equal((own.expressApp as never as ExpressLike).handle, handle, 'and not twice')
    t.equal((await sendRaw(port, request()))?.status, 200)
    await bridge.close()
    await bridge.listen(port, '127.0.0.1', 10)
    t.equal((await sendRaw(port, request()))?.status, 200)
    t.equal((await sendRaw(port, request({ headers: [] })))?.status, 401)
  },
)

t.test('a bridge takes erasure once, and only a bridge takes it', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { bridge } = createBridge(t)
  attachErasure(bridge, erasure)
  t.throws(() => attachErasure(bridge, erasure), { code: 'ALREADY_ATTACHED' })
  const listen = async () => {}
  const bad: object[] = [
    {},
    { opts: {} },
    { listen },
    { opts: {}, listen, appService: { expressApp: {} } },
  ]
  for (const value of bad) {
    t.throws(() => attachErasure(value as BridgeLike, erasure), {
      code: 'BRIDGE_UNSUPPORTED',
    })
  }
  const bare = { opts: {}, listen } as never as BridgeLike
  attachErasure(bare, erasure)
  await t.rejects(bare.listen(), { code: 'BRIDGE_UNSUPPORTED' })
})

t.test('what is not the name of a server is not taken for one', async t => {
  const { erasure } = await openVolatileErasure(t)
  const learnt: string[] = []
  erasure.door.learnServerName = name => void learnt.push(name)
  for (const domain of ['not a name', undefined, 'example.org'])
    attachErasure({ opts: { domain }, listen: async () => {} } as never, erasure)
  t.same(learnt, ['example.org'])
})

t.test('9.18: a bridge tells on which server its ghosts are', async t => {
  const users = [{ exclusive: true, regex: '@_ghost_.*' }]
  const registration = { ...REGISTRATION, namespaces: { users } }
  const erasure = await openErasure(t, { registration })
  const isDeclined = async (userId: string) => (await erasure.accept(userId)).declined
  t.notOk(await isDeclined('@_ghost_1:example.org'))
  attachErasure(createBridge(t).bridge, erasure)
  t.ok(await isDeclined('@_ghost_1:example.org'))
  t.ok(await isDeclined('@bridge:example.org'))
  t.notOk(await isDeclined('@_ghost_1:other.org'))
  t.notOk(await isDeclined('@bridge:other.org'))
})

t.test('a listen that fails still fails', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { bridge } = createBridge(t)
  attachErasure(bridge, erasure)
  await t.rejects(bridge.listen(1), /initialise\(\) not called/)
})

t.test(
  'the path is matched exactly, so that nothing else is taken from the bridge',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const { bridge } = createBridge(t)
    attachErasure(bridge, erasure)
    const port = await listening(bridge)
    t.equal((await sendRaw(port, request({ path: `${ERASE_PATH}/` })))?.status, 404)
    t.equal(
      (
        await sendRaw(
          port,
          request({ path: ERASE_PATH.replace('erase', bob), method: 'GET' }),
        )
      )?.status,
      200,
    )
  },
)
