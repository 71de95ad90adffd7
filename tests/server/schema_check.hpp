#pragma once

#include <simdjson.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// JSON against the schemas of the API's description, told apart from the product that writes both.
namespace windrow::test {

/// What `openapi_json()` says of answers. Knows the keywords that the description uses; any other
/// is a fault, so that nothing is stated that is not checked.
class api_description {
public:
  explicit api_description(const std::string& document);

  /// Faults of `body` as what `operation` answers where all is well; empty if it is as stated. Also
  /// a fault: a member that is not stated.
  std::vector<std::string> faults_of(std::string_view operation, const std::string& body);
  /// The same for a shape by its name.
  std::vector<std::string> faults_of_shape(std::string_view name, const std::string& body);
  /// Schemas that say something about themselves that cannot be: a name required and not stated, a
  /// reference to nothing.
  std::vector<std::string> own_faults();

private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
  std::map<std::string, simdjson::dom::element, std::less<>> shapes_;
  std::map<std::string, simdjson::dom::element, std::less<>> answers_;
};

}  // namespace windrow::test
