// A small bridge on matrix-bot-sdk: it writes down who said what in the rooms that its bot is in.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Appservice, type IAppserviceRegistration, LogService } from 'matrix-bot-sdk'
import { createErasure } from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'
import {
  type ErasureSource,
  synapse,
  synapsePostgres,
} from 'matrix-appservice-erasure/sources'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'
import { parse } from 'yaml'

import { createLog } from '../../../../examples/guestbook-bridge/log.ts'
import { addLine, forgetPeople, openPages, setPerson } from './pages.ts'

process.umask(0o077)
const textOf = (name: string) => process.env[name] ?? ''
const numberOf = (name: string) => Number(textOf(name))
const [homeserverUrl, serverName] = [textOf('HOMESERVER_URL'), textOf('SERVER_NAME')]
const dataDir = textOf('DATA_DIR')
const log = createLog(true)
// Its log lines name users.
const silent = () => {}
LogService.setLogger({
  ...{ info: silent, warn: silent, error: silent },
  ...{ debug: silent, trace: silent },
})

const registration = parse(
  readFileSync(textOf('REGISTRATION'), 'utf8'),
) as IAppserviceRegistration
const database = openPages(join(dataDir, 'diary.db'))
const appservice = new Appservice({
  homeserverUrl,
  homeserverName: serverName,
  registration,
  port: numberOf('PORT'),
  bindAddress: '127.0.0.1',
})
const erasure = await createErasure({
  registration: textOf('REGISTRATION'),
  key: join(dataDir, 'erasure.key'),
  store: sqliteStore({ path: join(dataDir, 'erasure.db') }),
  serverName,
  settleMs: numberOf('SETTLE_MS'),
  logger: log,
  sources: [openSource()],
})
forgetPeople(erasure, database, numberOf('PAUSE_MS'))

/** Where the diary may read Synapse's database it does; else it asks the admin API. */
function openSource(): ErasureSource {
  const connectionString = textOf('SYNAPSE_DATABASE_URL')
  const intervalMs = numberOf('SCAN_MS')
  if (connectionString !== '')
    return synapsePostgres({ connectionString, serverName, intervalMs })
  return synapse({
    url: homeserverUrl,
    serverName,
    accessToken: registration.as_token,
    intervalMs,
    fullIntervalMs: numberOf('FULL_SCAN_MS'),
    maxBusyPercent: numberOf('SCAN_PERCENT'),
  })
}

interface RoomEvent {
  readonly type: string
  readonly sender: string
  readonly state_key?: string
  readonly event_id: string
  readonly origin_server_ts: number
  readonly content: Readonly<Record<string, unknown>>
}

// Nothing is awaited here: when the homeserver gets its answer, everything is in the database.
appservice.on('room.event', (_roomId: string, event: RoomEvent) => {
  const { type, sender, state_key: stateKey, event_id: eventId, content } = event
  const at = Math.min(event.origin_server_ts, Date.now())
  const { body, membership, displayname: name } = content
  if (type === 'm.room.message' && typeof body === 'string')
    addLine(database, { eventId, sender, body, at })
  if (type === 'm.room.member' && membership === 'join' && stateKey === sender)
    setPerson(database, sender, typeof name === 'string' ? name : null, at)
})
appservice.on('room.invite', (roomId: string) => {
  appservice.botIntent
    .joinRoom(roomId)
    .catch(() => log.warn('An invitation could not be accepted'))
})

attachErasure(appservice, erasure)
await erasure.start()
await appservice.begin()
process.stdout.write('diary: ready\n')
process.once('SIGTERM', () => {
  appservice.stop()
  void erasure.close().then(() => process.exit())
})
