import { randomBytes } from 'node:crypto'

import pg from 'pg'
import type { Test } from 'tap'

import { openTestDatabase } from './open-database.ts'
import { operatorSql } from './operator-sql.ts'

/** The two tables, as Synapse's schema 72 makes them. */
const TABLES = `
  CREATE TABLE erased_users (user_id text NOT NULL);
  CREATE UNIQUE INDEX erased_users_user ON erased_users USING btree (user_id);
  CREATE TABLE cache_invalidation_stream_by_instance (
    stream_id bigint NOT NULL,
    instance_name text NOT NULL,
    cache_func text NOT NULL,
    keys text[],
    invalidation_ts bigint
  );
  CREATE UNIQUE INDEX cache_invalidation_stream_by_instance_id
    ON cache_invalidation_stream_by_instance USING btree (stream_id);
  CREATE SEQUENCE cache_invalidation_stream_seq;`
const CHANGE = `
  INSERT INTO cache_invalidation_stream_by_instance
  VALUES ($1, 'master', 'is_user_erased', ARRAY[$2], $3)`

/** A database with what Synapse writes when somebody is erased. */
export interface SynapseTables {
  /** As its owner. */
  readonly admin: pg.Client
  /** As a role that may read the two tables. */
  readonly connectionString: string
  /** The name of that role. */
  readonly role: string
  /** The statement that gives it its rights. */
  readonly grant: string
  /** What `mark_user_erased` does, in a transaction, unless `client` is in one. */
  erase(userId: string, client?: pg.Client): Promise<void>
  /** What `mark_user_not_erased` does. */
  reactivate(userId: string, client?: pg.Client): Promise<void>
  /** Another connection of the owner; ended with the test. */
  connect(): Promise<pg.Client>
  /** Ends every connection of the role. */
  kick(): Promise<void>
}

/** Makes such a database, for a test. */
export async function openSynapseTables(
  t: Pick<Test, 'teardown'>,
  { trigger, server }: { readonly trigger: boolean; readonly server?: string },
): Promise<SynapseTables> {
  const role = `erasure_test_${randomBytes(8).toString('hex')}`
  const roles = { drop: async () => {} }
  // After the database is gone, and with it the role's rights.
  t.teardown(() => roles.drop())
  const { connectionString } = await openTestDatabase(t, server)
  const connect = async () => {
    const client = new pg.Client({ connectionString })
    client.on('error', () => {})
    await client.connect()
    t.teardown(() => client.end())
    return client
  }
  const admin = await connect()
  const password = randomBytes(8).toString('hex')
  const sql = operatorSql(role, password)
  const { grant } = sql
  await admin.query(`${TABLES} ${trigger ? sql.trigger : ''}`)
  await admin.query(`${sql.create} ${grant}`)
  roles.drop = () => dropRole(connectionString, role)
  const url = new URL(connectionString)
  url.username = role
  url.password = password
  const change = async (text: string, userId: string, client: pg.Client) => {
    const { rows } = await client.query(
      "SELECT nextval('cache_invalidation_stream_seq') AS id",
    )
    await client.query(
      `WITH changed AS (${text} RETURNING 1) SELECT count(*) FROM changed`,
      [userId],
    )
    await client.query(CHANGE, [rows[0].id, userId, Date.now()])
  }
  const inTransaction = async (text: string, userId: string, client?: pg.Client) => {
    if (client !== undefined) return change(text, userId, client)
    await admin.query('BEGIN')
    await change(text, userId, admin)
    await admin.query('COMMIT')
  }
  return {
    admin,
    connectionString: url.href,
    role,
    grant,
    connect,
    erase: (userId, client) =>
      inTransaction('INSERT INTO erased_users VALUES ($1)', userId, client),
    reactivate: (userId, client) =>
      inTransaction('DELETE FROM erased_users WHERE user_id = $1', userId, client),
    kick: async () => {
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1',
        [role],
      )
    },
  }
}

async function dropRole(connectionString: string, role: string): Promise<void> {
  const url = new URL(connectionString)
  url.pathname = '/postgres'
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  await client.query(`DROP ROLE ${role}`)
  await client.end()
}
