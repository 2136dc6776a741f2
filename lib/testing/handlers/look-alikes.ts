import { isUserId, localpartOf, serverNameOf, type UserId } from '../../matrix/user-id.ts'

/**
 * Users that a careless query confuses with `userId`: `LIKE`, a prefix, a pattern, ignoring case or
 * dropping the port would match them. None of them is `userId`.
 */
export function lookAlikes(userId: UserId): UserId[] {
  const localpart = localpartOf(userId)
  const serverName = serverNameOf(userId)
  const localparts = [
    `${localpart}2`,
    `x${localpart}`,
    localpart.slice(0, -1),
    localpart.replace(/[^A-Za-z0-9]/, 'x'),
    localpart.replaceAll(/[^A-Za-z0-9]/g, '%'),
    `${localpart}%`,
    `${localpart}.`,
    `${localpart}'--`,
    `${localpart}"`,
    localpart.toUpperCase(),
    localpart.toLowerCase(),
    `.*${localpart}`,
  ]
  const serverNames = [
    `${serverName}.org`,
    `x${serverName}`,
    serverName.replace(/(?::\d+)?$/, ':8448'),
    serverName.replace(/:\d+$/, ''),
    serverName.toUpperCase(),
    serverName.replace('.', 'x'),
  ]
  const candidates = [
    ...localparts.map(other => `@${other}:${serverName}`),
    ...serverNames.map(other => `@${localpart}:${other}`),
  ]
  return [...new Set(candidates)].filter(isUserId).filter(other => other !== userId)
}
