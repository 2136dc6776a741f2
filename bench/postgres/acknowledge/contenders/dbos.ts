import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk'

const NAME = 'erase'

/** `enqueue` of a workflow, once per request. */
export async function openDbos(
  systemDatabaseUrl: string,
): Promise<(userId: string) => Promise<unknown>> {
  DBOS.setConfig({ name: NAME, systemDatabaseUrl, logLevel: 'error' })
  DBOS.registerWorkflow(async () => {}, { name: NAME })
  // Makes the tables.
  await DBOS.launch()
  await DBOS.registerQueue(NAME)
  await DBOS.shutdown()
  const client = await DBOSClient.create({ systemDatabaseUrl, applicationName: NAME })
  return userId => client.enqueue({ queueName: NAME, workflowName: NAME }, userId)
}
