#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace tidelimit::traffic {

/// What an answer of the service says of its load.
enum class AnswerKind : std::uint8_t {
  served,    ///< 2xx, 3xx
  rejected,  ///< 4xx: the client's making
  failed,    ///< 5xx
};
inline constexpr std::size_t kAnswerKinds = 3;

/// Empty: nothing. A 101 is told of when its session ends, after hours.
[[nodiscard]] inline std::optional<AnswerKind> answer_kind(std::uint16_t status) {
  if (status < 200 || status > 599) return std::nullopt;
  if (status < 400) return AnswerKind::served;
  return status < 500 ? AnswerKind::rejected : AnswerKind::failed;
}

}  // namespace tidelimit::traffic
