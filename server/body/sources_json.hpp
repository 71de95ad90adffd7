#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/body/body_shape.hpp"
#include "sources/source_control.hpp"
#include "sources/source_driver.hpp"
#include "sources/source_status.hpp"
#include "windrow/result.hpp"

/// Sources, and what is done to them, as JSON: the same for a stopped folder and a running node.
/// `docs/commands.md` has the fields. One line each, with its end.
namespace windrow::server {

std::string sources_json(const std::vector<sources::source_status>& sources);
result<std::vector<sources::source_status>> read_sources(std::string_view json);

std::string source_control_json(const sources::source_control& done);
result<sources::source_control> read_source_control(std::string_view json);

/// `earliest`, `latest`, a position, or a time in RFC 3339.
result<sources::seek_target> parse_seek_target(const std::string& text);

/// What of a source a request is about, and for a seek where to: `{"partition"?, "to"?}`.
struct source_control_request {
  std::optional<std::string> partition;
  std::string to;
};
result<source_control_request> read_source_control_request(std::string_view json);
std::string source_control_request_json(const source_control_request& body);

/// What `sources_json` and `source_control_json` write.
extern const body_shape sources_shape;
extern const body_shape source_control_shape;
/// What `read_source_control_request` takes: with a place to go to, and without.
extern const body_shape seek_shape;
extern const body_shape partition_shape;

}  // namespace windrow::server
