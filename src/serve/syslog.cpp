#include "serve/syslog.hpp"

#include <array>
#include <cstring>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "ingest/clf_parser.hpp"
#include "ingest/json_parser.hpp"
#include "ingest/line_head.hpp"
#include "ingest/line_reader.hpp"
#include "ingest/named_patterns.hpp"
#include "ingest/pattern_parser.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kBatch = 32;
constexpr std::size_t kDatagramBytes = 64 << 10;  // pages that no datagram reached stay untouched
constexpr int kBatchesPerTurn = 4;                // requests on the same loop come first
constexpr std::size_t kExampleBytes = 120;
/// Writes times of its own zone, and does not name it.
constexpr std::string_view kZoneless = "haproxy";

std::vector<std::unique_ptr<ingest::LineParser>> pattern_parsers() {
  std::vector<std::unique_ptr<ingest::LineParser>> parsers;
  for (const ingest::NamedPattern& form : ingest::kNamedPatterns)
    parsers.push_back(ingest::PatternParser::from_pattern(form.pattern, form.name).value());
  return parsers;
}

/// Access-log lines of the forms that files are recognised by, one after the other.
class AccessLines {
 public:
  /// False: no form reads it. A line without a zone is of `now`.
  bool read(std::string_view line, traffic::Request& seen, WallTime now) {
    if (line.starts_with('{')) return json_.parse(line, seen) == ingest::Unreadable::none;
    if (clf_.parse(line, seen) == ingest::Unreadable::none) return true;
    // None of these reads a line in common or combined format that was tampered with: a client or a
    // time would have to hold the spaces around its "-".
    for (const auto& parser : patterns_) {
      if (parser->parse(line, seen) != ingest::Unreadable::none) continue;
      if (parser->format() == kZoneless) seen.time = now;
      return true;
    }
    return false;
  }

 private:
  ingest::ClfParser clf_;
  ingest::JsonParser json_{ingest::JsonNames()};
  std::vector<std::unique_ptr<ingest::LineParser>> patterns_ = pattern_parsers();
};

}  // namespace

struct SyslogReceiver::Impl {
  std::vector<char> bytes = std::vector<char>(kBatch * (kDatagramBytes + ingest::kLinePadding));
  std::array<mmsghdr, kBatch> headers{};
  std::array<iovec, kBatch> parts{};
  std::array<sockaddr_storage, kBatch> senders{};
  AccessLines lines;

  [[nodiscard]] char* buffer(std::size_t i) {
    return bytes.data() + i * (kDatagramBytes + ingest::kLinePadding);
  }
};

std::string_view syslog_message(std::string_view datagram) {
  while (!datagram.empty() &&
         (datagram.back() == '\n' || datagram.back() == '\r' || datagram.back() == '\0'))
    datagram.remove_suffix(1);
  if (!datagram.starts_with('<')) return datagram;
  return datagram.substr(ingest::line_head(datagram));
}

void SyslogExample::offer(std::string_view message) {
  std::lock_guard lock(mutex_);
  if (printable_.empty()) printable_ = printable(message, kExampleBytes);
}

std::string SyslogExample::take() {
  std::lock_guard lock(mutex_);
  return std::exchange(printable_, {});
}

SyslogReceiver::SyslogReceiver(Loop& loop, Fd socket, Gate& gate, SyslogCounts& counts)
    : loop_(loop),
      socket_(std::move(socket)),
      gate_(gate),
      counts_(counts),
      impl_(std::make_unique<Impl>()) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    impl_->parts[i] = {impl_->buffer(i), kDatagramBytes};
    impl_->headers[i].msg_hdr.msg_iov = &impl_->parts[i];
    impl_->headers[i].msg_hdr.msg_iovlen = 1;
    impl_->headers[i].msg_hdr.msg_name = &impl_->senders[i];
  }
  (void)loop_.add(socket_.get(), EPOLLIN, *this);
}

SyslogReceiver::~SyslogReceiver() = default;

void SyslogReceiver::on_ready(std::uint32_t) {
  for (int batch = 0; batch < kBatchesPerTurn; ++batch) {
    for (mmsghdr& header : impl_->headers) header.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    const int count = recvmmsg(socket_.get(), impl_->headers.data(), kBatch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const mmsghdr& header = impl_->headers[at];
      const auto sender = peer_address(impl_->senders[at]);
      if (!sender || !gate_.settings().trusts(*sender)) {
        counts_.untrusted.fetch_add(1, std::memory_order_relaxed);
      } else if ((header.msg_hdr.msg_flags & MSG_TRUNC) != 0) {
        refuse({impl_->buffer(at), kDatagramBytes});
      } else {
        take({impl_->buffer(at), header.msg_len});
      }
    }
    if (count < static_cast<int>(kBatch)) return;
  }
}

void SyslogReceiver::take(std::string_view datagram) {
  const std::string_view line = syslog_message(datagram);
  traffic::Request seen;
  if (!impl_->lines.read(line, seen, loop_.now().wall)) return refuse(line);
  counts_.lines.fetch_add(1, std::memory_order_relaxed);
  // In a rehearsal the log speaks of another calendar than the gate's.
  if (loop_.clock().pace() != 1) seen.time = loop_.now().wall;
  const FrontSettings& settings = gate_.settings();
  const auto counting = settings.config.syslog_observe_only ? engine::ReportKind::observe_only
                                                            : engine::ReportKind::already_decided;
  take_response(gate_.worker(), seen, counting, settings, loop_.now());
}

void SyslogReceiver::refuse(std::string_view message) {
  counts_.unreadable_example.offer(message);
  counts_.unreadable.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace tidelimit::serve
