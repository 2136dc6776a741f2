/** Numbers from 0, in each dialect. */
const NUMBERS = {
  SQLite: (count: number) =>
    `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count}) SELECT i FROM n)`,
  PostgreSQL: (count: number) => `generate_series(0, ${count - 1}) AS n(i)`,
}
const PAD = {
  SQLite: "printf('%07d', i)",
  PostgreSQL: "lpad(i::text, 7, '0')",
}
const NOW = 1_795_586_443_000

/**
 * SQL that makes accounts: every twentieth is deactivated, three of five of these are erased, and every
 * other one has a profile, a device and two addresses, because Synapse's lists look through all of these.
 */
export function plantStatements(engine: 'SQLite' | 'PostgreSQL', count: number): string {
  const from = `FROM ${NUMBERS[engine](count)}`
  const user = `'@u' || ${PAD[engine]} || ':hs.test'`
  const isLive = 'WHERE i % 20 <> 0'
  return [
    `INSERT INTO users (name, creation_ts, admin, is_guest, deactivated)
     SELECT ${user}, 1700000000 + i, 0, 0, CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END ${from}`,
    `INSERT INTO profiles (user_id, full_user_id, displayname)
     SELECT 'u' || ${PAD[engine]}, ${user}, 'U ' || i ${from} ${isLive}`,
    `INSERT INTO erased_users (user_id) SELECT ${user} ${from} WHERE i % 20 = 0 AND i % 100 < 60`,
    `INSERT INTO devices (user_id, device_id, last_seen)
     SELECT ${user}, 'D', ${NOW} ${from} ${isLive}`,
    ...[1, 2].map(
      address => `
     INSERT INTO user_ips (user_id, access_token, device_id, ip, user_agent, last_seen)
     SELECT ${user}, 't', 'D', '192.0.2.${address}', 'ua', ${NOW} + i ${from} ${isLive}`,
    ),
  ].join(';\n')
}
