import { askStatus, type BridgeProcess } from './bridge-process.ts'
import { dumpOf, lookFor, placesIn } from './look.ts'
import {
  arrive,
  leave,
  MESSAGES,
  neighbours,
  newcomer,
  SQUARE,
  wilhelmina,
  write,
} from './people.ts'
import { idsOf, look } from './show.ts'
import { expect, say, type Stage, tell, until } from './stage.ts'

/** The bridge starts again, while late events of hers arrive. */
export async function comeBack(stage: Stage): Promise<BridgeProcess> {
  const { homeserver } = stage
  say('\n4. It starts again, and late events arrive')
  const rooms = [SQUARE, wilhelmina.directRoom]
  const delivering = homeserver.deliver([
    ...arrive(wilhelmina, homeserver),
    write(wilhelmina, MESSAGES + 1),
    ...rooms.map(room => leave(wilhelmina, room)),
  ])
  const bridge = await stage.startBridge()
  await delivering
  await homeserver.deliver([...arrive(newcomer, homeserver), write(newcomer, 1)])
  await until(
    async () => (await idsOf(stage, newcomer)).size === 1,
    'the message of a newcomer did not arrive',
  )
  const bodies = (await stage.entries()).map(({ body }) => body)
  const lateBody = String(write(wilhelmina, MESSAGES + 1).content['body'])
  expect(!bodies.includes(lateBody), 'her late message is in the guestbook')
  expect((await idsOf(stage, wilhelmina)).size === 0, 'her name is known again')
  tell(`A homeserver sends late what it could not send in time: her profile and her invitation once
     more, a last message, and that she leaves. A bridge that simply stores what comes would
     know her again. This one takes none of it; what a newcomer writes after her does arrive.`)
  return bridge
}

/** The purge goes on by itself. */
export async function waitForErased({ dataDir }: Stage): Promise<void> {
  say('\n5. The purge goes on by itself')
  let shown = ''
  await until(async () => {
    const counts = await askStatus(dataDir)
    const [state = ''] = Object.keys(counts).filter(name => (counts[name] ?? 0) > 0)
    if (state !== shown) tell(`matrix-appservice-erasure status: ${state}`)
    shown = state
    return state === 'erased'
  }, 'the request did not become erased')
  tell(`Every handler was asked twice how much of her is left, the second time after a while, and
     answered nothing both times. Only then does a request count as erased.`)
}

/** What is left, of her and of her neighbours. */
export async function lookAgain(
  stage: Stage,
  bridge: BridgeProcess,
  dumpBefore: string,
): Promise<number> {
  const { homeserver, dataDir } = stage
  say('\n6. What is left')
  await homeserver.deliver([
    write(wilhelmina, MESSAGES + 2),
    leave(wilhelmina, SQUARE),
    write(newcomer, 2),
  ])
  await until(
    async () => (await idsOf(stage, newcomer)).size === 2,
    'the second message of the newcomer did not arrive',
  )
  expect(look(stage).size === 0, 'she is still found while the bridge runs')
  expect(!homeserver.botRooms.has(wilhelmina.directRoom), 'the bot is still in her room')
  const isSame = dumpOf(neighbours, dataDir) === dumpBefore
  expect(isSame, 'the data of her neighbours has changed')
  expect((await bridge.stop()) === 0, 'the bridge did not close by itself')
  const found = lookFor(wilhelmina, dataDir)
  expect(found.size === 0, 'she is found after the bridge has closed')
  tell(`None in any file: database, user store, pictures, log, and the files of the SDK; before and
     after the bridge was closed, and after one more late message of hers. The bot has left
     her direct room.`)
  tell(`${neighbours.map(({ name }) => name).join(' and ')}: rows, documents and pictures are
     the same as before, byte by byte (${dumpBefore.length} of them compared).`)
  return placesIn(found)
}
