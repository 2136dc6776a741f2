import t, { type Test } from 'tap'

import { createErasableAppService } from '../../examples/doors/matrix-appservice.ts'
import { createErasableAppservice } from '../../examples/doors/matrix-bot-sdk.ts'
import { createErasableAppservice as createOfElement } from '../../examples/doors/vector-im-matrix-bot-sdk.ts'
import { ERASE_PATH, request, sendRaw, walkAnswers } from '../support/answers.ts'
import { freePort } from '../support/free-port.ts'
import { message } from '../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../support/open-erasure.ts'
import { serveListener } from '../support/serve-listener.ts'

const bob = '@bob:example.org'
const al = '@al:example.org'

/** Asks an example to erase Bob, and sends it late events. */
async function tryOut(t: Test, port: number, seen: string[]) {
  const headers = [`Authorization: Bearer ${HS_TOKEN}`]
  const events = [message(bob, 'late'), message(al, 'hi')]
  const path = '/_matrix/app/v1/transactions/1'
  const body = JSON.stringify({ events })
  t.equal((await sendRaw(port, request({ path: ERASE_PATH })))?.status, 200)
  await sendRaw(port, request({ method: 'PUT', path, headers, body }))
  t.same(seen, [al])
}

t.test('examples/doors/matrix-appservice.ts', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const seen: string[] = []
  const appService = createErasableAppService(erasure, HS_TOKEN, event => {
    seen.push(String(event['sender']))
  })
  const port = await freePort()
  await appService.listen(port, '127.0.0.1', 10)
  t.teardown(() => appService.close())
  await tryOut(t, port, seen)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
})

for (const [file, create] of [
  ['matrix-bot-sdk.ts', createErasableAppservice],
  [
    'vector-im-matrix-bot-sdk.ts',
    createOfElement as never as typeof createErasableAppservice,
  ],
] as const) {
  t.test(`examples/doors/${file}`, async t => {
    const { erasure, breakStore } = await openVolatileErasure(t)
    // It registers its bot.
    const homeserver = await serveListener(t, (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end('{"user_id":"@bridge:example.org"}')
    })
    const options = {
      port: await freePort(),
      bindAddress: '127.0.0.1',
      homeserverName: 'example.org',
      homeserverUrl: `http://127.0.0.1:${homeserver}`,
      registration: {
        as_token: 'the-as-token-of-a-test',
        hs_token: HS_TOKEN,
        sender_localpart: 'bridge',
        namespaces: {
          users: [{ exclusive: true, regex: '@_ghost_.*' }],
          rooms: [],
          aliases: [],
        },
      },
    }
    const seen: string[] = []
    const appservice = create(erasure, options, (_room, event) => {
      seen.push(String(event['sender']))
    })
    await appservice.begin()
    t.teardown(() => appservice.stop())
    await tryOut(t, options.port, seen)
    await walkAnswers(t, { port: options.port, isOwnServer: false, breakStore })
  })
}
