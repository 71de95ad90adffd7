#pragma once

#include <memory>
#include <span>
#include <vector>

#include "formats/decoded_rows.hpp"
#include "formats/message_run.hpp"
#include "schema/plan/plan.hpp"

namespace windrow::formats {

/// Turns messages of one format into columns of declared fields: one implementation per format.
///
/// Each message is decoded for itself: one that fails leaves an error with its reason and no row,
/// and changes nothing about the others. The same messages give the same rows and errors however
/// they are split among calls. An oversized message is always an error, `too_long`.
///
/// Belongs to one thread. Requires `buffer_padding` readable bytes behind the messages' buffer.
class decoder {
public:
  virtual ~decoder() = default;

  /// Replaces the contents of `out` by the rows of `messages`, in their order. Text in `out` is a
  /// view into the message, or into `out.arena` where it had to be rewritten.
  virtual void decode(std::span<const message_view> messages, decoded_rows& out) = 0;
};

/// The decoder of the stream's format, which is JSON for every stream. `needed` says which fields
/// of `stream.message` are to become columns (the others are checked only); empty: all of them.
std::unique_ptr<decoder> make_decoder(const schema::stream& stream, std::vector<bool> needed = {});

}  // namespace windrow::formats
