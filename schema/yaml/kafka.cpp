#include <algorithm>
#include <cctype>
#include <utility>

#include "base/suggest.hpp"
#include "schema/catalog/kafka_settings.hpp"
#include "schema/yaml/context.hpp"

namespace windrow::schema {
namespace {

/// Reads the settings of one `kafka` mapping into its source.
class kafka_reader {
public:
  kafka_reader(const yaml_entry& kafka, source_declaration& source, yaml_context& context)
      : kafka_(kafka),
        source_(source),
        context_(context),
        what_("`kafka` of the source " + ticked(source.name)) {}

  bool read() {
    const auto entries = entries_of(kafka_.value, kafka_.at, what_, context_.out);
    if (!entries) return false;
    for (const yaml_entry& entry : *entries) read_entry(entry);
    good_ &= read_arrival_limits(*entries, source_, context_);
    for (const std::string required : {"bootstrap_server", "topic"}) {
      if (find_entry(*entries, required) != nullptr) continue;
      error(kafka_.key_at, what_ + " has no " + ticked(required) +
                               "; write such as `kafka: { bootstrap_server: \"localhost:9092\", "
                               "topic: transactions }`");
    }
    if (good_) check_protocol(*entries);
    return good_;
  }

private:
  void error(source_position at, std::string message) {
    context_.out.error(at, std::move(message));
    good_ = false;
  }

  const std::string* setting(std::string_view name) const {
    for (const auto& [key, value] : source_.settings) {
      if (key == name) return &value;
    }
    return nullptr;
  }

  void read_entry(const yaml_entry& entry) {
    if (entry.key == "max_future_skew" || entry.key == "late_arrival_deadline") return;
    if (entry.key == "kafka_args") return read_arguments(entry);
    const auto known = std::find_if(kafka_settings().begin(), kafka_settings().end(),
                                    [&](const kafka_setting& s) { return s.name == entry.key; });
    if (known == kafka_settings().end()) return unknown(entry);
    auto value = read_substituted(entry.value, entry.at, "a value", context_);
    if (!value) {
      good_ = false;
      return;
    }
    if (value->empty() || value->find('\0') != std::string::npos) {
      return error(text_position(entry.value, entry.at),
                   ticked(entry.key) + " is empty; give a value or leave it out");
    }
    if (known->path) *value = path_from_declarations(*value, context_.file_name);
    if (check_value(entry, *value)) source_.settings.emplace_back(entry.key, std::move(*value));
  }

  void unknown(const yaml_entry& entry) {
    std::vector<std::string> names{"kafka_args", "late_arrival_deadline", "max_future_skew"};
    for (const kafka_setting& s : kafka_settings()) {
      names.emplace_back(s.name);
      if (s.property != entry.key) continue;
      return error(entry.key_at,
                   ticked(entry.key) + " in " + what_ + " is written " + ticked(s.name));
    }
    if (entry.key.find('.') != std::string::npos) {
      return error(entry.key_at, "settings of librdkafka stand under `kafka_args`; write " +
                                     ticked("kafka_args: { " + entry.key + ": … }"));
    }
    refuse_unknown_keys({entry}, names, what_, context_.out);
    good_ = false;
  }

  /// Normalises what has several spellings; never repeats a value, which may be a secret.
  bool check_value(const yaml_entry& entry, std::string& value) {
    const source_position at = text_position(entry.value, entry.at);
    if (entry.key == "security_protocol") {
      std::transform(value.begin(), value.end(), value.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return one_of(entry, value, {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"});
    }
    if (entry.key == "sasl_mechanism") {
      return one_of(entry, value,
                    {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"});
    }
    if (entry.key == "insecure") return one_of(entry, value, {"true", "false"});
    if (entry.key == "topic" || entry.key == "dead_letter_queue_topic") {
      return topic_name(entry, value);
    }
    if (entry.key == "start") {
      const auto start = parse_kafka_start(value);
      if (!start.ok()) error(at, start.error().message);
      return start.ok();
    }
    return true;
  }

  bool one_of(const yaml_entry& entry, const std::string& value,
              const std::vector<std::string>& known) {
    if (std::find(known.begin(), known.end(), value) != known.end()) return true;
    error(text_position(entry.value, entry.at),
          "unknown " + ticked(entry.key) + " " + ticked(value) + "; " + did_you_mean(value, known));
    return false;
  }

  bool topic_name(const yaml_entry& entry, const std::string& value) {
    const bool good = value.size() <= 249 && value != "." && value != ".." &&
                      std::all_of(value.begin(), value.end(), [](unsigned char c) {
                        return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-';
                      });
    if (!good) {
      error(text_position(entry.value, entry.at),
            ticked(value) +
                " cannot be the name of a topic: letters, digits, `.`, `_` and `-`, "
                "at most 249");
    }
    return good;
  }

  void read_arguments(const yaml_entry& entry) {
    const auto arguments = entries_of(entry.value, entry.at, "`kafka_args`", context_.out);
    if (!arguments) {
      good_ = false;
      return;
    }
    for (const yaml_entry& argument : *arguments) {
      if (const auto why = refused_kafka_argument(argument.key)) {
        error(argument.key_at,
              ticked(argument.key) + " may not be set under `kafka_args`: " + *why);
        continue;
      }
      auto value = read_substituted(argument.value, argument.at, "a value", context_);
      good_ &= value.has_value();
      if (value) {
        source_.settings.emplace_back(std::string(kafka_argument_prefix) + argument.key, *value);
      }
    }
  }

  /// Credentials that would not be used are a mistake that shows only when it is too late.
  void check_protocol(const std::vector<yaml_entry>& entries) {
    const std::string* given = setting("security_protocol");
    const std::string protocol = given == nullptr ? "plaintext" : *given;
    const bool sasl = protocol.starts_with("sasl_");
    const bool tls = protocol.ends_with("ssl");
    for (const yaml_entry& entry : entries) {
      if (!sasl && entry.key.starts_with("sasl_")) {
        error(entry.key_at, ticked(entry.key) +
                                " needs `security_protocol: sasl_ssl` (or "
                                "`sasl_plaintext`)");
      }
      if (!tls && (entry.key.starts_with("ssl_") || entry.key == "insecure")) {
        error(entry.key_at, ticked(entry.key) + " needs `security_protocol: ssl` (or `sasl_ssl`)");
      }
    }
    if (!sasl) return;
    const std::string* mechanism = setting("sasl_mechanism");
    if (mechanism == nullptr) {
      return error(find_entry(entries, "security_protocol")->key_at,
                   what_ +
                       " has no `sasl_mechanism`; write such as `sasl_mechanism: "
                       "SCRAM-SHA-512`");
    }
    if (*mechanism == "GSSAPI" || *mechanism == "OAUTHBEARER") return;
    for (const std::string required : {"sasl_username", "sasl_password"}) {
      if (setting(required) != nullptr) continue;
      error(find_entry(entries, "sasl_mechanism")->key_at,
            ticked(*mechanism) + " needs " + ticked(required) +
                (required == "sasl_password" ? "; write such as `sasl_password: ${KAFKA_PASSWORD}`"
                                             : ""));
    }
  }

  const yaml_entry& kafka_;
  source_declaration& source_;
  yaml_context& context_;
  const std::string what_;
  bool good_ = true;
};

}  // namespace

bool read_kafka_source(const yaml_entry& kafka, source_declaration& source, yaml_context& context) {
  source.kind = "kafka";
  return kafka_reader(kafka, source, context).read();
}

}  // namespace windrow::schema
