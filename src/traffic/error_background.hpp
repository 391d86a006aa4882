#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tidelimit::traffic {

inline constexpr std::size_t kMinutes = 5;  ///< that profiles and their background look back

/// How everybody's requests fail: responses of many clients, each client's capped by the minute, so
/// that no loud one is the background. One thread.
class ErrorBackground {
 public:
  struct Share {
    double responses = 0;
    double errors = 0;

    void operator+=(const Share& more) {
      responses += more.responses;
      errors += more.errors;
    }
    void operator-=(const Share& less) {
      responses -= less.responses;
      errors -= less.errors;
    }
  };
  /// One client's, by the minute's age.
  struct Own {
    std::array<Share, kMinutes> shares{};
    bool served = false;
  };

  /// What a client weighs that had so many responses in a minute, `errors` of them.
  [[nodiscard]] static Share share_of(std::uint32_t responses, std::uint32_t errors);

  /// A client had `before` responses in the minute, and now more. `served`: the service serves it
  /// when it is well.
  void add(std::uint32_t before, std::uint32_t responses, std::uint32_t errors, bool served,
           std::uint32_t minute);

  /// Share of errors among the others' responses, shrunk: the greatest over the newest one to five
  /// minutes, so that an outage shows at once. Of clients that are served, so that those who never
  /// get an answer, however many, are no outage; of all where such are hardly seen.
  [[nodiscard]] double ratio(const Own& own, std::uint32_t minute) const;

 private:
  struct Minute {
    std::uint32_t minute = 0;
    Share all{};
    Share served{};
  };
  std::array<Minute, kMinutes> minutes_{};
};

}  // namespace tidelimit::traffic
