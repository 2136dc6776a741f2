// The people of the story.
import { type Client, createRoom, join, leave, write } from '../homeserver/client.ts'
import { SERVER_NAME } from '../homeserver/synapse-config.ts'
import { until } from '../wait.ts'
import type { World } from '../world.ts'

/** How many messages those who are erased write: so many that the purge has a middle. */
export const MANY = 24
/** How many the others write. */
export const FEW = 4
// The smallest picture there is.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

/** A visitor of the guestbook, on Matrix. */
export const GHOST = `@guestbook_visitor:${SERVER_NAME}`

/** Tells what happens. */
export type Say = (text: string) => void

/** Everybody who takes part, and what becomes of them. */
export interface People {
  /** Where all of them meet. */
  readonly room: string
  /** Stays. */
  readonly alice: Client
  /** Stays, and is called almost like Bob. */
  readonly twin: Client
  /** Deactivates the account, and does not ask for erasure. */
  readonly dora: Client
  /** Deactivates the account with erase, and is in rooms. */
  readonly bob: Client
  /** Deactivates the account with erase, and is in no room any more. */
  readonly wanda: Client
  /** Was deactivated by the admin, who erases them later. */
  readonly eve: Client
  /** Deactivates the account with erase, comes back, and does so again. */
  readonly rita: Client
}

/** Those who are erased: nothing of them must be left. */
export function erasedOnes({ bob, wanda, eve, rita }: People): string[] {
  return [bob, wanda, eve, rita].map(({ userId }) => userId)
}

/** The others: what the bridges have of them must stay as it is. */
export function keptOnes({ alice, twin, dora }: People): string[] {
  return [alice, twin, dora].map(({ userId }) => userId)
}

/** Registers everybody; they join, and write with name and picture. */
export async function gather(world: World): Promise<People> {
  const { admin, bridges, guestbook } = world
  const room = await createRoom(admin.client, {
    preset: 'public_chat',
    invite: bridges.map(({ bot }) => bot),
  })
  await until('the bots join', async () => {
    const path = `/_matrix/client/v3/rooms/${room}/joined_members`
    const { joined } = await admin.client.call('GET', path)
    return Object.keys(joined as object).length === 1 + bridges.length
  })
  const takePart = async (localpart: string, messages: number) => {
    const client = await world.register(localpart)
    await dressUp(client)
    await join(client, room)
    await createRoom(client, { is_direct: true, invite: [guestbook.bot] })
    await talk(client, room, messages)
    return client
  }
  const [alice, twin, dora, bob, wanda, eve, rita] = await Promise.all([
    takePart('alicewonder', FEW),
    takePart('bobxbuilder', FEW),
    takePart('doraexplorer', FEW),
    takePart('bob_builder', MANY),
    takePart('wandawriter', MANY),
    takePart('eveningstar', MANY),
    takePart('ritareturns', MANY),
  ])
  return { room, alice, twin, dora, bob, wanda, eve, rita }
}

/** Gives a person a name and a picture. */
export async function dressUp(client: Client): Promise<void> {
  const { content_uri: uri } = await client.call('POST', '/_matrix/media/v3/upload', PNG)
  const profile = `/_matrix/client/v3/profile/${encodeURIComponent(client.userId)}`
  const name = `The one called ${localpartOf(client)}`
  await client.call('PUT', `${profile}/displayname`, { displayname: name })
  await client.call('PUT', `${profile}/avatar_url`, { avatar_url: uri })
}

/** Writes some messages, with the name in each, by which a search finds them. */
export async function talk(
  client: Client,
  room: string,
  messages: number,
): Promise<void> {
  const name = localpartOf(client)
  for (let n = 1; n <= messages; n += 1) await write(client, room, `${name} says ${n}`)
}

function localpartOf({ userId }: Client): string {
  return userId.slice(1, userId.indexOf(':'))
}

/** Waits until both bridges have a number of messages of somebody. */
export async function arrive(
  { bridges }: World,
  { userId }: Client,
  messages: number,
): Promise<void> {
  for (const bridge of bridges)
    await until(
      `the ${bridge.name} bridge has ${messages} messages of ${userId}`,
      () => bridge.messagesOf(userId) === messages,
    )
}

/** Leaves every room. */
export async function leaveAll(client: Client): Promise<void> {
  const { joined_rooms: rooms } = await client.call(
    'GET',
    '/_matrix/client/v3/joined_rooms',
  )
  for (const room of rooms as string[]) await leave(client, room)
}
