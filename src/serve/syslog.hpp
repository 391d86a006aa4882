#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "serve/gate/gate.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::serve {

/// The first of the messages that could not be read since one was last taken: an example for a
/// person. Thread-safe.
class SyslogExample {
 public:
  void offer(std::string_view message);
  /// Made printable and cut; empty: there was none.
  [[nodiscard]] std::string take();

 private:
  std::mutex mutex_;
  std::string printable_;  ///< guarded by mutex_
};

/// What came by syslog since start. Written by one loop, read by anyone.
struct SyslogCounts {
  std::atomic<std::uint64_t> lines{0};       ///< read as requests
  std::atomic<std::uint64_t> unreadable{0};  ///< no access-log line, or cut off
  std::atomic<std::uint64_t> untrusted{0};   ///< from senders that are no trusted proxies
  SyslogExample unreadable_example;
};

/// The message of a syslog datagram: RFC 3164 with or without a host name, as nginx sends it
/// ("<190>Nov 24 10:00:00 web nginx: MESSAGE"), RFC 5424, or the bare message. The line end is cut.
[[nodiscard]] std::string_view syslog_message(std::string_view datagram);

/// Access-log lines (common, combined, JSON, ingest::kNamedPatterns) over UDP, on one loop. Loss
/// and disorder are the transport's nature; what can't be read is counted, and an example kept.
class SyslogReceiver final : public Source {
 public:
  SyslogReceiver(Loop& loop, Fd socket, Gate& gate, SyslogCounts& counts);
  ~SyslogReceiver() override;
  void on_ready(std::uint32_t events) override;

 private:
  struct Impl;
  void take(std::string_view datagram);
  void refuse(std::string_view message);

  Loop& loop_;
  Fd socket_;
  Gate& gate_;
  SyslogCounts& counts_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidelimit::serve
