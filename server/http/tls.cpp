#include "server/http/tls.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace windrow::server {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr std::chrono::seconds reload_interval{1};

failure unusable_for_tls(const std::string& path, const std::string& why) {
  return {errc::invalid, "cannot use " + path + " for TLS: " + why};
}

result<void> check_key_mode(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return unusable_for_tls(path, std::strerror(errno));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return unusable_for_tls(path, "others may read this key: chmod 600 " + path);
}

}  // namespace

tls_material::stamp tls_material::stamp_of(const tls_options& options) {
  const auto changed = [](const std::string& path) -> std::int64_t {
    struct stat status {};
    if (path.empty() || ::stat(path.c_str(), &status) != 0) return 0;
    return status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec;
  };
  return {changed(options.certificate), changed(options.key), changed(options.client_ca)};
}

result<std::shared_ptr<ssl::context>> tls_material::make(const tls_options& options) {
  if (options.certificate.empty() || options.key.empty()) {
    return failure{errc::invalid, "TLS needs --tls-cert and --tls-key, both"};
  }
  if (auto kept = check_key_mode(options.key); !kept) return kept.error();
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  error_code failed;
  context->set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                           ssl::context::no_compression | ssl::context::single_dh_use,
                       failed);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION);
  if (SSL_CTX_set_cipher_list(context->native_handle(), "ECDHE+AESGCM:ECDHE+CHACHA20") != 1) {
    return failure{errc::io, "this OpenSSL has none of the ciphers that are wanted"};
  }
  context->use_certificate_chain_file(options.certificate, failed);
  if (failed) return unusable_for_tls(options.certificate, failed.message());
  context->use_private_key_file(options.key, ssl::context::pem, failed);
  if (failed) return unusable_for_tls(options.key, failed.message());
  if (SSL_CTX_check_private_key(context->native_handle()) != 1) {
    return unusable_for_tls(options.key, "it is not the key of " + options.certificate);
  }
  if (options.client_ca.empty()) return context;
  context->load_verify_file(options.client_ca, failed);
  if (failed) return unusable_for_tls(options.client_ca, failed.message());
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, failed);
  static constexpr unsigned char session_name[] = "windrow";
  SSL_CTX_set_session_id_context(context->native_handle(), session_name, sizeof session_name - 1);
  return context;
}

result<tls_material> tls_material::load(const tls_options& options) {
  auto context = make(options);
  if (!context) return context.error();
  tls_material out;
  out.options_ = options;
  out.stamp_ = stamp_of(options);
  out.looked_ = clock::now();
  out.context_ = std::move(*context);
  return out;
}

std::shared_ptr<ssl::context> tls_material::current() {
  const auto now = clock::now();
  if (now - looked_ < reload_interval) return context_;
  looked_ = now;
  const stamp there = stamp_of(options_);
  if (there == stamp_) return context_;
  // Files that are being replaced may not fit each other for a moment: then they are tried again.
  if (auto fresh = make(options_)) {
    context_ = std::move(*fresh);
    stamp_ = there;
  }
  return context_;
}

}  // namespace windrow::server
