#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "windrow/export.hpp"

/// Errors are values: every call that can fail for a reason outside the program returns a
/// `result<T>`. Nothing in the library throws across its public interface, prints or aborts.
namespace windrow {

/// Why something failed. A code exists only where a caller reacts to it.
enum class errc : std::uint8_t {
  invalid,           ///< The caller's input is wrong: a declaration, a name, a value.
  not_found,         ///< A class, feature, stream or folder that does not exist.
  expired,           ///< A window reaches beyond what is retained.
  overflow,          ///< A result that its type cannot hold.
  join_key_missing,  ///< An entity has no value for a local join key.
  corrupt,           ///< Stored bytes that are damaged, missing or not ours.
  mismatch,          ///< Made for another format version, catalog or shard count; or an input file
                     ///< that is not the one read before.
  busy,              ///< The folder is in use by another process.
  io,                ///< The operating system refused: disk full, unreadable, permission.
  closed,            ///< The engine has been closed, or has stopped because of an earlier error.
  conflict,          ///< A producer's sequence was taken before, with other content.
  gap,               ///< A producer's sequence is not the next one; the message says which is.
  unavailable,       ///< What is needed cannot be reached: no node answers, no broker. Try later.
  timeout,           ///< No answer came in time: what was asked may happen yet.
};

/// The stable lower-case name of a code, as it appears in JSON (`"expired"`).
WINDROW_EXPORT std::string_view to_string(errc code) noexcept;

struct failure {
  errc code = errc::invalid;
  /// One or more sentences for a person: what is wrong, where, and what to do.
  std::string message;

  friend bool operator==(const failure&, const failure&) = default;
};

/// A value or an error. `value()` requires `ok()`.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  result(failure why) : state_(std::in_place_index<1>, std::move(why)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  /// Requires `!ok()`.
  const failure& error() const { return std::get<1>(state_); }

private:
  std::variant<T, failure> state_;
};

template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(failure why) : error_(std::move(why)), ok_(false) {}

  bool ok() const noexcept { return ok_; }
  explicit operator bool() const noexcept { return ok_; }
  const failure& error() const { return error_; }

private:
  failure error_;
  bool ok_ = true;
};

}  // namespace windrow
