import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'

import { openChild } from '../support/child.ts'
import type { Homeserver } from './homeserver.ts'

/** How the bridge finds out. */
export type SourceKind = 'synapse' | 'synapse-postgres'

/** What the process says besides its first answer. */
type Message =
  { readonly userId: string; readonly at: number } | { readonly scannedMs: number }

/** A bridge in a process of its own. */
export interface Bridge {
  /** When the first handler was called for a user, on the clock of `now`. */
  called(userId: string): Promise<number>
  /** Resolves after the first complete scan, with how long it took. */
  readonly scanned: Promise<number>
  close(): Promise<void>
}

/** Starts one. */
export async function openBridge(
  folder: string,
  homeserver: Homeserver,
  kind: SourceKind,
  intervalMs: number,
): Promise<Bridge> {
  const { registration, port, url, asToken, connectionString = '' } = homeserver
  const where = kind === 'synapse' ? url : connectionString
  const data = mkdtempSync(join(folder, 'bridge-'))
  const child = await openChild('synapse/serve.ts', [
    ...[data, registration, port, kind, where, intervalMs, asToken],
  ])
  const calls = new Map<string, PromiseWithResolvers<number>>()
  const callOf = (userId: string) => {
    const call = calls.get(userId) ?? Promise.withResolvers<number>()
    calls.set(userId, call)
    return call
  }
  const scanned = Promise.withResolvers<number>()
  child.process.on('message', (message: Message) => {
    if ('scannedMs' in message) scanned.resolve(message.scannedMs)
    else callOf(message.userId).resolve(message.at)
  })
  const ended = () => scanned.reject(new Error('The bridge ended before its first scan'))
  child.process.once('exit', ended)
  scanned.promise.catch(() => {})
  return {
    called: userId => callOf(userId).promise,
    scanned: scanned.promise,
    close: () => child.close(),
  }
}
