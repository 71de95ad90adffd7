#include "server/http/address.hpp"

#include <fcntl.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace windrow::server {
namespace {

bool read_port(std::string_view text, std::uint16_t& port) {
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

/// `HOST:PORT`, `[::1]:PORT`; without a port the given one, where there is one.
bool read_host(std::string_view text, std::uint16_t otherwise, address& out) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return false;
    out.host = std::string(text.substr(1, end - 1));
    rest = text.substr(end + 1);
  } else {
    const std::size_t end = std::min(text.find(':'), text.size());
    out.host = std::string(text.substr(0, end));
    rest = text.substr(end);
  }
  out.port = otherwise;
  if (out.host.empty()) return false;
  if (rest.empty()) return otherwise != 0;
  return rest.starts_with(':') && read_port(rest.substr(1), out.port);
}

}  // namespace

result<address> read_listen_address(std::string_view text) {
  address out;
  if (read_host(text, 0, out)) return out;
  return failure{errc::invalid, "`" + std::string(text) +
                                    "` is no address to listen on; write it as 127.0.0.1:8800 "
                                    "or [::1]:8800"};
}

result<address> read_connect_address(std::string_view text) {
  address out;
  constexpr std::string_view plain = "http://", secure = "https://";
  out.tls = text.starts_with(secure);
  if (!out.tls && !text.starts_with(plain)) {
    out.local = true;
    out.path = std::string(text);
    if (!text.empty() && text.find("://") == std::string_view::npos) return out;
  } else {
    std::string_view rest = text.substr(out.tls ? secure.size() : plain.size());
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (read_host(rest, out.tls ? 443 : 80, out)) return out;
  }
  return failure{errc::invalid, "`" + std::string(text) +
                                    "` is no address of a node; write http://127.0.0.1:8800, "
                                    "https://HOST:8800, or the path of its socket"};
}

std::string socket_of_folder(const std::string& data) { return data + "/socket"; }

result<socket_name> socket_name::of(const std::string& path) {
  if (path.size() < sizeof(sockaddr_un::sun_path)) return socket_name(path, -1);
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
  const int opened = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) {
    return failure{errc::io, "cannot open the folder " + folder + ": " + std::strerror(errno)};
  }
  socket_name out("/proc/self/fd/" + std::to_string(opened) + "/" + path.substr(slash + 1), opened);
  if (out.text_.size() < sizeof(sockaddr_un::sun_path)) return out;
  return failure{errc::invalid, "the name of the socket " + path + " is too long"};
}

socket_name::~socket_name() {
  if (folder_ >= 0) ::close(folder_);
}

socket_name::socket_name(socket_name&& other) noexcept
    : text_(std::move(other.text_)), folder_(std::exchange(other.folder_, -1)) {}

}  // namespace windrow::server
