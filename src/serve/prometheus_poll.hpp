#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.hpp"
#include "base/url.hpp"
#include "serve/notes.hpp"

namespace tidelimit::serve {

/// The value of an instant query's answer (/api/v1/query): a scalar, or the largest sample of a
/// vector. Errors say what is wrong with the query or its answer. Pure.
[[nodiscard]] Result<double> query_value(std::string_view body);

/// Asks a Prometheus the same query every five seconds, on a thread of its own, so that a server
/// that hangs holds up nothing else. Failures are noted under `part`, and gone with the next
/// answer.
class PrometheusPoll {
 public:
  using Sink = std::function<void(double)>;

  PrometheusPoll(Url url, std::string query, std::string part, Notes& notes, Sink sink);
  ~PrometheusPoll();
  PrometheusPoll(const PrometheusPoll&) = delete;
  PrometheusPoll& operator=(const PrometheusPoll&) = delete;

 private:
  void run();
  [[nodiscard]] Result<double> ask() const;
  /// What is thrown on a thread ends the process: here it is an error as any other.
  [[nodiscard]] Result<double> ask_safely() const;

  Url url_;
  std::string target_;
  std::string part_;
  Notes& notes_;
  Sink sink_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;  ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace tidelimit::serve
