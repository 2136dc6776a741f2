import { openBullmq } from './contenders/bullmq.ts'
import { openDbos } from './contenders/dbos.ts'
import { openGraphileWorker } from './contenders/graphile-worker.ts'
import { openPgBoss } from './contenders/pg-boss.ts'
import { openRaw, openRawSealed } from './contenders/raw.ts'
import { openOurs } from '../support/ours.ts'

/** Remembers that a user is to be erased; resolves when that is durable. */
type Remember = (userId: string) => Promise<unknown>

/** Something that remembers requests, behind the same door as all the others. */
export interface Contender {
  readonly name: string
  /** What it is given the address of. */
  readonly on: 'nothing' | 'PostgreSQL' | 'Redis'
  open(url: string): Promise<Remember>
}

/** What this package is for. */
export const OURS = 'ours'
/** The least that PostgreSQL has to do for a request. */
export const RAW = 'raw batched upserts, one row'
/** The least that it has to do for what we remember of one. */
export const RAW_SEALED = 'raw batched upserts, our two rows'
/** A job queue on PostgreSQL: the one we schedule with. */
export const PG_BOSS = 'pg-boss send'

/** In the order they are printed. */
export const CONTENDERS: readonly Contender[] = [
  { name: 'the door alone', on: 'nothing', open: async () => async () => {} },
  { name: RAW, on: 'PostgreSQL', open: openRaw },
  { name: RAW_SEALED, on: 'PostgreSQL', open: openRawSealed },
  {
    name: OURS,
    on: 'PostgreSQL',
    async open(url) {
      const erasure = await openOurs(url)
      return userId => erasure.accept(userId)
    },
  },
  { name: PG_BOSS, on: 'PostgreSQL', open: openPgBoss },
  { name: 'graphile-worker addJob, jobKey', on: 'PostgreSQL', open: openGraphileWorker },
  { name: 'DBOS enqueue', on: 'PostgreSQL', open: openDbos },
  { name: 'BullMQ add, appendfsync always', on: 'Redis', open: openBullmq },
]
