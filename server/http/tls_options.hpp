#pragma once

#include <string>

namespace windrow::server {

struct tls_options {
  std::string certificate;  ///< PEM, with the chain; empty: no TLS
  std::string key;          ///< PEM, readable by its owner alone
  std::string client_ca;    ///< PEM: clients need a certificate of it; empty: they need none
  bool wanted() const noexcept {
    return !certificate.empty() || !key.empty() || !client_ca.empty();
  }
};

}  // namespace windrow::server
