import type { BridgeProcess } from './bridge-process.ts'
import { dumpOf, placesIn } from './look.ts'
import {
  arrive,
  invite,
  MESSAGES,
  neighbours,
  SQUARE,
  wilhelmina,
  write,
} from './people.ts'
import { idsOf, look } from './show.ts'
import { expect, say, type Stage, tell, until } from './stage.ts'

const everybody = [wilhelmina, ...neighbours]

/** What there was before the erasure. */
export interface Before {
  readonly bridge: BridgeProcess
  /** The ids of her entries. */
  readonly hers: ReadonlySet<number>
  /** In how many places she is. */
  readonly places: number
  /** All there is of her neighbours. */
  readonly dump: string
}

/** The bridge starts, and people use it. */
export async function fillGuestbook(stage: Stage): Promise<Before> {
  const { homeserver, dataDir } = stage
  say(`A guestbook on the web is bridged to Matrix. Everything here happens in a temporary folder.

1. The bridge starts, and people use it`)
  const bridge = await stage.startBridge()
  await homeserver.deliver([invite(neighbours[0], SQUARE)])
  await homeserver.deliver(everybody.flatMap(person => arrive(person, homeserver)))
  for (let number = 1; number <= MESSAGES; number += 1)
    await homeserver.deliver(everybody.map(person => write(person, number)))
  const total = everybody.length * MESSAGES
  await until(
    async () => (await stage.entries()).length === total,
    `the guestbook never had its ${total} entries`,
  )
  await stage.sign('A passer-by', 'What a lovely guestbook!')
  expect(homeserver.texts.length === 1, 'what the passer-by wrote did not reach Matrix')
  tell(`${everybody.map(({ name }) => name).join(', ')} join from Matrix, with pictures,
     invite the bot, and write ${MESSAGES} messages each. A passer-by signs the page, and a ghost
     says it in the Matrix room. The guestbook, at ${stage.guestbookUrl} as long as this runs:`)
  const entries = await stage.entries()
  for (const { name, body } of entries.slice(-4)) say(`       ${name}: ${body}`)
  tell(
    `What the bridge keeps of ${wilhelmina.name}, whose user ID is ${wilhelmina.userId}:`,
  )
  const found = look(stage)
  expect(found.size === 3, 'the search does not even see her while she is there')
  tell('So the search does see her. Otherwise finding nothing later would mean nothing.')
  const hers = await idsOf(stage, wilhelmina)
  expect(hers.size === MESSAGES, 'her entries are not shown under her name')
  return { bridge, hers, places: placesIn(found), dump: dumpOf(neighbours, dataDir) }
}

/** Her homeserver asks for her erasure. */
export async function eraseHer({ homeserver }: Stage): Promise<string> {
  say('\n2. Her homeserver asks for her erasure')
  const { status, body, tookMs } = await homeserver.requestErasure(wilhelmina.userId)
  expect(status === 200 && body === '{}', `the request was answered ${status} ${body}`)
  const took = tookMs.toFixed(0)
  tell(`POST /_matrix/app/v1/users/erase was answered ${status} ${body} after ${took} ms. The request is
     on disk now, with her user ID sealed. The purge follows in its own time.`)
  return took
}

/** The bridge is killed while it purges. */
export async function killInTheMiddle(
  stage: Stage,
  { bridge, hers }: Before,
): Promise<number> {
  say('\n3. In the middle of the purge, the bridge is killed')
  let left = hers.size
  await until(async () => {
    left = (await stage.entries()).filter(({ id }) => hers.has(id)).length
    return left <= hers.size / 2
  }, 'nothing was purged')
  await bridge.kill()
  expect(left > 0, 'the purge was over before it could be interrupted')
  tell(`${hers.size - left} of her ${hers.size} entries were gone when it got SIGKILL, as in a crash.
     ${left} were not. What is left on disk:`)
  const found = look(stage)
  expect(found.size > 0, 'nothing was left when it was killed')
  tell('A script that deletes her data would have ended here, and nobody would know.')
  return placesIn(found)
}
