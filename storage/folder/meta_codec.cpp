#include "storage/folder/meta_codec.hpp"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <algorithm>
#include <exception>

#include "storage/folder/meta.capnp.h"

namespace windrow::storage {

byte_buffer encode_meta(const node_meta& meta) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::NodeMeta>();
  root.setFolderId(kj::arrayPtr(meta.id.data(), meta.id.size()));
  root.setHashSeed(meta.hash_seed);
  root.setShardCount(meta.shard_count);
  root.setPlanDigest(meta.plan_digest);
  root.setCreatedMicros(meta.created);
  root.setCatalogChecksum(meta.catalog_checksum);
  const auto words = capnp::messageToFlatArray(message);
  const auto encoded = words.asBytes();
  return {encoded.begin(), encoded.end()};
}

result<node_meta> decode_meta(bytes encoded) {
  const failure broken{errc::corrupt, "it is not the description of a data folder"};
  if (encoded.empty() || encoded.size() % sizeof(capnp::word) != 0) return broken;
  try {
    auto aligned = kj::heapArray<capnp::word>(encoded.size() / sizeof(capnp::word));
    std::memcpy(aligned.begin(), encoded.data(), encoded.size());
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 4 * aligned.size();
    limits.nestingLimit = 4;
    capnp::FlatArrayMessageReader message(aligned, limits);
    const auto root = message.getRoot<wire::NodeMeta>();
    node_meta meta;
    const auto id = root.getFolderId();
    if (id.size() != meta.id.size() || root.getShardCount() == 0) return broken;
    std::copy(id.begin(), id.end(), meta.id.begin());
    meta.hash_seed = root.getHashSeed();
    meta.shard_count = root.getShardCount();
    meta.plan_digest = root.getPlanDigest();
    meta.created = root.getCreatedMicros();
    meta.catalog_checksum = root.getCatalogChecksum();
    return meta;
  } catch (const kj::Exception&) {
    return broken;
  } catch (const std::exception&) {
    return broken;
  }
}

}  // namespace windrow::storage
