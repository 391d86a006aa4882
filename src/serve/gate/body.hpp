#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "limiter/gcra.hpp"
#include "traffic/request.hpp"

namespace tidelimit::serve {

/// A question of POST /v1/check.
struct CheckCall {
  traffic::Request request;
  limiter::Hits hits = 1;
  std::string_view ignored;  ///< the first field that is none of those that are read
};

/// Reads the JSON bodies of the gate's calls. Keeps its memory, so that reading allocates nothing
/// in the steady state. The views in a result hold until the next read and while the body lives.
/// `body` must be followed by kBodyPadding readable bytes. One thread.
class BodyReader {
 public:
  BodyReader();
  ~BodyReader();

  [[nodiscard]] Result<CheckCall> check(std::string_view body);
  /// One object or an array of them, all or nothing. An element without a timestamp happened `now`.
  [[nodiscard]] Result<const std::vector<traffic::Request>*> report(std::string_view body,
                                                                    WallTime now);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidelimit::serve
