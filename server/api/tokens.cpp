#include "server/api/tokens.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "server/body/json_input.hpp"
#include "server/body/json_writer.hpp"
#include "windrow/time.hpp"

namespace windrow::server {
namespace {

using simdjson::dom::element;

constexpr std::string_view prefix = "wdr_";
constexpr std::int64_t check_interval = 500'000;  // microseconds

std::string hexadecimal(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string sha256_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), sum.data(), &size, EVP_sha256(), nullptr);
  return hexadecimal({reinterpret_cast<const char*>(sum.data()), size});
}

result<std::string> random_bytes(std::size_t count) {
  std::string out(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(count)) != 1) {
    return failure{errc::io, "there are no random numbers for a token"};
  }
  return out;
}

failure file_failure(const std::string& path) {
  return {errc::io, "cannot use the tokens " + path + ": " + std::strerror(errno)};
}

result<void> append_line(const std::string& path, std::string line) {
  line += '\n';
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                          S_IRUSR | S_IWUSR);
  if (file < 0) return file_failure(path);
  const ssize_t wrote = ::write(file, line.data(), line.size());
  const bool done = wrote == static_cast<ssize_t>(line.size()) && ::fsync(file) == 0;
  const failure why = file_failure(path);
  ::close(file);
  if (!done) return why;
  return {};
}

result<token> read_line(std::string_view line, std::map<std::string, token>& into) {
  return with_json<token>(
      line, errc::corrupt, "a line of the tokens", [&](element root) -> result<token> {
        const std::string id = text_of(root, "id");
        element revoked;
        if (root["revoked"].get(revoked) == simdjson::SUCCESS) {
          const auto known = into.find(id);
          if (known == into.end())
            return failure{errc::corrupt, "a token that is not there is revoked"};
          known->second.revoked = time_of(revoked);
          return known->second;
        }
        token out;
        out.id = id;
        out.sha256 = text_of(root, "sha256");
        const auto may = role_named(std::string_view(root["role"]));
        if (!may)
          return failure{errc::corrupt, "a line of the tokens has a role that there is not"};
        out.may = *may;
        for (const element name : simdjson::dom::array(root["classes"])) {
          out.classes.emplace_back(std::string_view(name));
        }
        out.created = time_of(root["created"]);
        if (!element(root["expires"]).is_null()) out.expires = time_of(root["expires"]);
        into[id] = out;
        return out;
      });
}

}  // namespace

std::optional<role> role_named(std::string_view name) {
  for (const role one : {role::reader, role::writer, role::admin}) {
    if (name_of(one) == name) return one;
  }
  return std::nullopt;
}

std::string_view name_of(role one) noexcept {
  switch (one) {
    case role::reader:
      return "reader";
    case role::writer:
      return "writer";
    case role::admin:
      return "admin";
  }
  return "";
}

result<std::map<std::string, token>> read_tokens(std::string_view lines) {
  std::map<std::string, token> out;
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    // The last line may be half written: it was never told to anyone.
    if (end == std::string_view::npos) break;
    if (end > 0) {
      if (auto read = read_line(lines.substr(0, end), out); !read) return read.error();
    }
    lines.remove_prefix(end + 1);
  }
  return out;
}

result<std::map<std::string, token>> load_tokens(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::map<std::string, token>{};
    return file_failure(path);
  }
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return failure{errc::io, "others may read the tokens " + path + ": chmod 600 " + path};
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return file_failure(path);
  return read_tokens(text.str());
}

result<made_token> make_token(const std::string& path, const token_request& wanted) {
  auto known = load_tokens(path);
  if (!known) return known.error();
  const auto id = random_bytes(6), secret = random_bytes(32);
  if (!id) return id.error();
  if (!secret) return secret.error();
  made_token out;
  out.what.id = hexadecimal(*id);
  const std::string hidden = hexadecimal(*secret);
  out.what.sha256 = sha256_of(hidden);
  out.what.may = wanted.may;
  out.what.classes = wanted.classes;
  out.what.created = wanted.created;
  out.what.expires = wanted.expires;
  out.text = std::string(prefix) + out.what.id + "_" + hidden;
  json_writer line;
  line.begin_object().key("id").string(out.what.id).key("sha256").string(out.what.sha256);
  line.key("role").string(name_of(wanted.may)).key("classes").begin_array();
  for (const std::string& name : wanted.classes) line.string(name);
  line.end_array().key("created").time(wanted.created).key("expires");
  wanted.expires ? line.time(*wanted.expires) : line.null();
  line.end_object();
  if (auto added = append_line(path, line.take()); !added) return added.error();
  return out;
}

result<void> revoke_token(const std::string& path, const std::string& id, timestamp at) {
  auto known = load_tokens(path);
  if (!known) return known.error();
  const auto found = known->find(id);
  if (found == known->end()) {
    return failure{errc::not_found,
                   "there is no token " + id + "; `windrow token list` shows them"};
  }
  if (found->second.revoked) return {};
  json_writer line;
  line.begin_object().key("id").string(id).key("revoked").time(at).end_object();
  return append_line(path, line.take());
}

std::optional<principal> token_store::find(std::string_view text, timestamp now) {
  std::string_view id, secret;
  if (text.starts_with(prefix)) {
    text.remove_prefix(prefix.size());
    const std::size_t cut = text.find('_');
    if (cut != std::string_view::npos) id = text.substr(0, cut), secret = text.substr(cut + 1);
  }
  const std::string sum = sha256_of(secret);
  std::lock_guard lock(mutex_);
  look(now);
  const auto found = tokens_.find(std::string(id));
  static const std::string none(64, '-');
  const std::string& expected = found == tokens_.end() ? none : found->second.sha256;
  const bool same =
      expected.size() == sum.size() && CRYPTO_memcmp(expected.data(), sum.data(), sum.size()) == 0;
  if (!same || found == tokens_.end()) return std::nullopt;
  const token& t = found->second;
  if (t.revoked || (t.expires && *t.expires <= now)) return std::nullopt;
  return principal{"token " + t.id, t.may, t.classes};
}

bool token_store::any(timestamp now) {
  std::lock_guard lock(mutex_);
  look(now);
  return unreadable_ || !tokens_.empty();
}

void token_store::look(timestamp now) {
  if (looked_.micros != INT64_MIN && now.micros - looked_.micros < check_interval &&
      now >= looked_) {
    return;
  }
  const bool first = looked_.micros == INT64_MIN;
  looked_ = now;
  struct stat status {};
  const bool there = ::stat(path_.c_str(), &status) == 0;
  const auto size = there ? static_cast<std::uint64_t>(status.st_size) : 0;
  // Append-only: a file of the same length is the same file.
  if (!first && !unreadable_ && size == size_) return;
  auto loaded = load_tokens(path_);
  unreadable_ = !loaded;
  tokens_ = loaded ? std::move(*loaded) : std::map<std::string, token>{};
  size_ = size;
}

std::string tokens_of_folder(const std::string& data) { return data + "/tokens"; }

}  // namespace windrow::server
