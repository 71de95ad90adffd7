#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/api/request.hpp"
#include "windrow/value.hpp"

/// Bearer tokens. A token is `wdr_ID_SECRET`: the id is no secret and stands in logs; of the
/// secret, 256 random bits, only the SHA-256 is stored.
///
/// The file is append-only, a JSON object a line, mode 0600: `{"id", "sha256", "role", "classes",
/// "created", "expires"}` makes a token, `{"id", "revoked"}` ends one. So a token is made or
/// revoked while the node runs, and nothing that was there is rewritten.
namespace windrow::server {

struct token {
  std::string id;
  std::string sha256;  ///< of the secret, hexadecimal
  roles may;
  std::vector<std::string> classes;  ///< none: all
  timestamp created;
  std::optional<timestamp> expires;
  std::optional<timestamp> revoked;
};

/// `reader`, `writer`, `admin`.
std::optional<role> role_named(std::string_view name);
std::string_view name_of(role one) noexcept;

/// The tokens that lines of the file stand for. A line that is damaged is an error: nobody is let
/// in by half a file.
result<std::map<std::string, token>> read_tokens(std::string_view lines);

/// Makes a token and adds it to the file, which is made where there is none. The token itself is
/// in the answer and nowhere else.
struct made_token {
  std::string text;
  token what;
};
struct token_request {
  role may = role::reader;
  std::vector<std::string> classes;
  timestamp created;
  std::optional<timestamp> expires;
};
result<made_token> make_token(const std::string& path, const token_request& wanted);
result<void> revoke_token(const std::string& path, const std::string& id, timestamp at);
result<std::map<std::string, token>> load_tokens(const std::string& path);

/// The tokens of a running node. Looks whether the file has changed at most every half second.
///
/// Concurrency: any thread.
class token_store {
public:
  explicit token_store(std::string path) : path_(std::move(path)) {}

  /// Who the token is; nothing if it is none, has expired or was revoked. Takes the same time
  /// whichever character of the secret is wrong.
  std::optional<principal> find(std::string_view text, timestamp now);
  /// Whether there are tokens, so that requests by TCP need one. Also where the file cannot be
  /// read: then nobody gets in.
  bool any(timestamp now);

private:
  void look(timestamp now);

  const std::string path_;
  std::mutex mutex_;
  std::map<std::string, token> tokens_;
  bool unreadable_ = false;
  timestamp looked_{INT64_MIN};
  std::uint64_t size_ = 0;
};

/// The file of a data folder.
std::string tokens_of_folder(const std::string& data);

}  // namespace windrow::server
