// Unencrypted bridges read nothing but this enumeration (facts: bridges.md §0.1).
module.exports = { StoreType: { Sled: 0, Sqlite: 1 } }
