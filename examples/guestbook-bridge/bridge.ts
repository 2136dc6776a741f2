import { mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'

import type { Bridge } from 'matrix-appservice-bridge'
import { createErasure, type Erasure, type Logger } from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'
import { sqliteStore } from 'matrix-appservice-erasure/sqlite'

import { openAccounts } from './accounts.ts'
import { downloadPicture, openAvatars } from './avatars.ts'
import { openDatabase } from './database.ts'
import { createFramework, listen } from './framework.ts'
import { type EventSinks, handleEvent } from './matrix-events.ts'
import { registerPurgeHandlers } from './purge-handlers.ts'
import { sign } from './sign.ts'
import { createWebServer } from './web.ts'

const REGISTER_RETRY_MS = 5000

/** The configuration of the bridge. */
export interface Settings {
  readonly homeserverUrl: string
  readonly serverName: string
  /** The path of the registration file. */
  readonly registration: string
  /** Where both servers listen. */
  readonly host: string
  readonly port: number
  readonly guestbookPort: number
  readonly dataDir: string
  readonly settleMs: number
  /** How long the purge of messages pauses between two slices. */
  readonly pauseMs: number
  readonly log: Logger
}

/** A bridge that is running. */
export interface GuestbookBridge {
  /** Finishes what it is doing, and stops. */
  close(): Promise<void>
}

/** Opens everything, resumes open erasure requests, and listens. */
export async function startBridge(settings: Settings): Promise<GuestbookBridge> {
  const { dataDir, log, host } = settings
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const stores = {
    database: openDatabase(join(dataDir, 'guestbook.db')),
    accounts: await openAccounts(join(dataDir, 'user-store.db')),
    avatars: openAvatars(join(dataDir, 'avatars')),
    erasure: await openErasure(settings),
    log,
  }
  const bridge: Bridge = createFramework({
    ...settings,
    takeEvent: event => handleEvent(event, sinks),
  })
  const sinks: EventSinks = { ...stores, ...matrixSide(bridge) }
  attachErasure(bridge, stores.erasure)
  registerPurgeHandlers(stores.erasure, {
    ...stores,
    pauseMs: settings.pauseMs,
    leaveRoom: roomId => bridge.getIntent().leave(roomId),
  })
  await bridge.initialise()
  await registerBot(bridge, log)
  await stores.erasure.start()
  const web = createWebServer({
    ...stores,
    sign: signature => sign(signature, { bridge, ...stores }),
  })
  await listenWeb(web, settings.guestbookPort, host)
  await listen(bridge, settings.port, host)
  return {
    async close() {
      // Close the intake first: an event that arrives after the SDK has closed would be dropped.
      await bridge.close()
      await new Promise(resolve => web.close(resolve))
      await stores.erasure.close()
      stores.database.close()
    },
  }
}

function openErasure(settings: Settings): Promise<Erasure> {
  const { registration, dataDir, serverName, settleMs, log } = settings
  return createErasure({
    registration,
    key: join(dataDir, 'erasure.key'),
    store: sqliteStore({ path: join(dataDir, 'erasure.db') }),
    serverName,
    settleMs,
    logger: log,
  })
}

/** Erasure must not wait for a homeserver that is down, so this is tried again later. */
async function registerBot(bridge: Bridge, log: Logger): Promise<void> {
  try {
    await bridge.getIntent().ensureRegistered(true)
  } catch {
    log.warn('The bot could not be registered at the homeserver; trying again later')
    setTimeout(() => void registerBot(bridge, log), REGISTER_RETRY_MS).unref()
  }
}

/** What the bot does on Matrix. It exists once the bridge is initialised. */
function matrixSide(
  bridge: Bridge,
): Pick<EventSinks, 'botUserId' | 'joinRoom' | 'fetchMember' | 'downloadPicture'> {
  return {
    botUserId: () => bridge.botUserId,
    joinRoom: (roomId, viaServer) => bridge.getIntent().join(roomId, [viaServer]),
    fetchMember: (roomId, userId) =>
      bridge.getIntent().matrixClient.getRoomStateEvent(roomId, 'm.room.member', userId),
    downloadPicture: mxcUri =>
      downloadPicture(
        bridge.opts.homeserverUrl,
        bridge.getIntent().matrixClient.accessToken,
        mxcUri,
      ),
  }
}

function listenWeb(web: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    web.once('error', reject).listen(port, host, resolve)
  })
}
