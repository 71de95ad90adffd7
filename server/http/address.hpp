#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "windrow/result.hpp"

/// Where a server listens and a client connects.
namespace windrow::server {

struct address {
  bool local = false;  ///< a Unix socket
  bool tls = false;
  std::string path;  ///< of the socket
  std::string host;  ///< `127.0.0.1`, `::1`, `features.example`
  std::uint16_t port = 0;
};

/// `127.0.0.1:8800`, `[::1]:8800`: what `--listen` takes. Names are not looked up.
result<address> read_listen_address(std::string_view text);

/// `http://HOST:PORT`, `https://HOST[:PORT]`, or the path of a socket: what `--connect` takes.
result<address> read_connect_address(std::string_view text);

/// The name of a Unix socket as `bind` and `connect` take it. A socket's name has at most 107
/// bytes, a path may be longer: then it is reached by way of the open folder,
/// `/proc/self/fd/N/NAME`, which is the same file.
class socket_name {
public:
  static result<socket_name> of(const std::string& path);
  ~socket_name();
  socket_name(socket_name&& other) noexcept;
  socket_name& operator=(socket_name&&) = delete;
  const std::string& text() const noexcept { return text_; }

private:
  socket_name(std::string text, int folder) : text_(std::move(text)), folder_(folder) {}
  std::string text_;
  int folder_;
};

/// The socket of a running node's folder.
std::string socket_of_folder(const std::string& data);

}  // namespace windrow::server
