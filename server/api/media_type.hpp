#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "server/api/request.hpp"

/// Media types as HTTP headers name them (RFC 9110, 8.3 and 12.5.1).
namespace windrow::server {

/// Whether a `Content-Type` is `type`, whatever its case and its parameters.
bool is_media_type(std::string_view content_type, std::string_view type) noexcept;

/// The one of `offered` that the request's `Accept` wants most. Where it wants several alike, or
/// says nothing: the type of the request's own body, else the first. Nothing if it wants none.
std::optional<std::string_view> chosen_type(const request& asked,
                                            std::span<const std::string_view> offered);

}  // namespace windrow::server
