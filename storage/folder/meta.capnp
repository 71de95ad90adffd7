@0xe97f3baf63985159;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("windrow::storage::wire");

# What a data folder is, written once when it is made: the payload of `node.meta`.
struct NodeMeta {
  folderId @0 :Data;             # 16 random bytes; every LMDB file of the folder repeats them
  hashSeed @1 :UInt64;           # random; seeds the hashes that storage keys are made of
  shardCount @2 :UInt32;
  planDigest @3 :UInt64;         # of the plan the folder's state belongs to
  createdMicros @4 :Int64;       # since the Unix epoch
  catalogChecksum @5 :UInt64;    # XXH3 of the catalog bytes in `catalog-1.bin`
}
