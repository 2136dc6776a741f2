export { synapse } from './synapse/synapse.ts'
export type { SynapseOptions } from './synapse/synapse-options.ts'
export type { AccessToken, TokenFile } from './synapse/access-token.ts'
export { synapsePostgres } from './synapse-postgres/synapse-postgres.ts'
export type { SynapsePostgresOptions } from './synapse-postgres/synapse-postgres-options.ts'
export { SourceError } from '../watch/source.ts'
export type {
  Account,
  AccountState,
  ErasureSink,
  ErasureSource,
  SourceCode,
  SourceRules,
} from '../watch/source.ts'
