#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/url.hpp"
#include "serve/notes.hpp"

namespace tidelimit::serve {

/// The value of an instant query's answer (/api/v1/query): a scalar, or the largest sample of a
/// vector. Errors say what is wrong with the query or its answer. Pure.
[[nodiscard]] Result<double> value_in_answer(std::string_view body);

/// Asks a Prometheus the same query every five seconds, on a thread of its own, so that a server
/// that hangs holds up nothing else: not even the end of this, which waits for no answer. Failures
/// are noted under `part`, and gone with the next answer; neither `sink` nor `notes` is used after
/// the destructor.
class PrometheusPoll {
 public:
  using Sink = std::function<void(double)>;

  PrometheusPoll(Url url, const std::string& query, std::string part, Notes& notes, Sink sink);
  ~PrometheusPoll();
  PrometheusPoll(const PrometheusPoll&) = delete;
  PrometheusPoll& operator=(const PrometheusPoll&) = delete;

 private:
  struct Asker;
  std::shared_ptr<Asker> asker_;  ///< the thread's, too
};

}  // namespace tidelimit::serve
