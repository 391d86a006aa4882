#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "serve/http/client.hpp"

namespace tidelimit::cli {

/// The running gate that a command talks to: where it answers, and the token that opens it.
class LiveGate {
 public:
  /// Adds --url, --token-file and --config.
  void add_options(Command command);

  /// The JSON of a 2xx answer (null when it has no body). Errors name the address and the mend: the
  /// gate does not run, the token is wrong, or what the gate itself says.
  [[nodiscard]] Result<nlohmann::json> call(const std::string& method, const std::string& target,
                                            const std::string& body = {}) const;

 private:
  struct Place {
    std::string url;
    std::string token_file;
  };
  [[nodiscard]] Result<Place> place() const;

  std::string url_;
  std::string token_file_;
  std::string config_;
};

using serve::encode_component;

/// The text of a call's body; bytes of what was typed that are no UTF-8 stand replaced.
[[nodiscard]] std::string body_text(const nlohmann::json& body);

/// What a gate answered with every text in it printable(): user ids, paths, agents and reasons are
/// what others wrote, and would speak to the terminal.
[[nodiscard]] nlohmann::json printable_texts(nlohmann::json answer);

/// A part that a mode is set for, as the gate names it: `anomalies` is understood as `anomaly`.
[[nodiscard]] std::string part_named(const std::string& word);

/// A share as it is typed, "5%" or "0.05". 1 and more without a sign is refused: 1 may be meant as
/// 1% or as everything.
[[nodiscard]] Result<double> share_typed(const std::string& text);

/// A time that the gate gave, as people read it: to the millisecond.
[[nodiscard]] std::string short_time(std::string time);

}  // namespace tidelimit::cli
