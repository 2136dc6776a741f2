import { crc32, deflateSync } from 'node:zlib'

import type { SentEvent, StubHomeserver } from './stub-homeserver.ts'

/** The homeserver's name. */
export const SERVER = 'example.org'
/** A room that is open to all. */
export const SQUARE = `!square:${SERVER}`
/** How many messages each of them writes. */
export const MESSAGES = 40

/** A person who uses the bridge. */
export interface Person {
  readonly userId: string
  readonly name: string
  /** Stands in each of their messages, and nowhere else. */
  readonly word: string
  readonly picture: Buffer
  /** Their direct room with the bot. */
  readonly directRoom: string
}

function person(localpart: string, name: string, word: string, colour: number): Person {
  return {
    userId: `@${localpart}:${SERVER}`,
    name,
    word,
    picture: squareOf([colour >> 16, (colour >> 8) & 255, colour & 255]),
    directRoom: `!direct-${word}:${SERVER}`,
  }
}

/** The one who is erased. */
export const wilhelmina: Person = person(
  'wilhelmina',
  'Mina Harkness',
  'lighthouse',
  0xb3446c,
)
/** Her neighbours, who are not. */
export const neighbours: readonly [Person, Person] = [
  person('archibald', 'Archie Pemberton', 'greenhouse', 0x2f6f4f),
  person('rosalinde', 'Rosa Okonkwo', 'windmill', 0x31507d),
]
/** A person who comes later. */
export const newcomer: Person = person('thaddeus', 'Thad Lindqvist', 'harbour', 0x8a6d3b)

/** A person joins the room, with name and picture, and opens a direct room with the bot. */
export function arrive(person: Person, homeserver: StubHomeserver): SentEvent[] {
  const { userId, name, picture, directRoom } = person
  const profile = { displayname: name, avatar_url: homeserver.upload(picture) }
  const content = { membership: 'join', ...profile }
  return [
    {
      type: 'm.room.member',
      sender: userId,
      room_id: SQUARE,
      state_key: userId,
      content,
    },
    invite(person, directRoom),
  ]
}

/** A person invites the bot. */
export function invite({ userId, directRoom }: Person, roomId: string): SentEvent {
  return {
    type: 'm.room.member',
    sender: userId,
    room_id: roomId,
    state_key: `@guestbook:${SERVER}`,
    content: { membership: 'invite', is_direct: roomId === directRoom },
  }
}

/** A person writes. */
export function write({ userId, word }: Person, number: number): SentEvent {
  const body = `Greetings from the ${word}, for the ${number}. time`
  return {
    type: 'm.room.message',
    sender: userId,
    room_id: SQUARE,
    content: { msgtype: 'm.text', body },
  }
}

/** A person leaves a room, as erased users do on a homeserver: the event still has their name. */
export function leave({ userId, name }: Person, roomId: string): SentEvent {
  return {
    type: 'm.room.member',
    sender: userId,
    room_id: roomId,
    state_key: userId,
    content: { membership: 'leave', displayname: name },
    unsigned: { prev_content: { membership: 'join', displayname: name } },
  }
}

/** A picture of one colour, as a PNG file. */
function squareOf(colour: readonly number[]): Buffer {
  const sizePixels = 8
  const row = [0, ...Array.from({ length: sizePixels }, () => colour).flat()]
  const pixels = Buffer.from(Array.from({ length: sizePixels }, () => row).flat())
  const header = Buffer.from([0, 0, 0, sizePixels, 0, 0, 0, sizePixels, 8, 2, 0, 0, 0])
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(pixels)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, content: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), content])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, sum])
}
