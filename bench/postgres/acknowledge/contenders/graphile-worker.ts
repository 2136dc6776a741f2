import { Logger, makeWorkerUtils } from 'graphile-worker'

/** `addJob`, once per request, which replaces what waits under the same key. */
export async function openGraphileWorker(
  connectionString: string,
): Promise<(userId: string) => Promise<unknown>> {
  const logger = new Logger(() => () => {})
  const utils = await makeWorkerUtils({ connectionString, logger })
  await utils.migrate()
  return userId => utils.addJob('erase', { userId }, { jobKey: userId })
}
