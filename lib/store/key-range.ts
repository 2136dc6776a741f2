/** The keys of a Keyv namespace, or all: everything from `name:` up to, not including, `name;`. */
export function keyRange(namespace: string | undefined): [from: string, to: string] {
  return namespace === undefined ? ['', '\u{10ffff}'] : [`${namespace}:`, `${namespace};`]
}
