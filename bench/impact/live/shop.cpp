#include "impact/live/shop.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <mutex>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "impact/world.hpp"
#include "serve/http/server.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::impact {
namespace {

constexpr std::uint64_t kLongestUs = 60'000'000;
constexpr std::size_t kConnections = 4096;
constexpr int kUnavailable = 503;

struct Job {
  std::chrono::microseconds service;
  int status;
  serve::Reply reply;
};

serve::Response answer(int status, std::string_view kind) {
  return {.status = status,
          .body = status < 400 ? "here you are\n" : "no\n",
          .content_type = "text/plain",
          .fields = fmt::format("{}: {}\r\n", kAnswerField, kind)};
}

class Workers {
 public:
  explicit Workers(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }

  /// False when every place is taken.
  [[nodiscard]] bool take(Job job) {
    std::lock_guard lock(mutex_);
    if (idle_ <= jobs_.size() && jobs_.size() - idle_ >= kQueue) return false;
    jobs_.push_back(std::move(job));
    wake_.notify_one();
    return true;
  }

 private:
  [[noreturn]] void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      wake_.wait(lock, [this] { return !jobs_.empty(); });
      --idle_;
      const Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      std::this_thread::sleep_for(job.service);
      job.reply(answer(job.status, kServed));
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;  ///< guarded by mutex_, as the next
  std::size_t idle_ = 0;  ///< workers that wait for one
  std::vector<std::thread> threads_;
};

class Desk final : public serve::Handler {
 public:
  [[nodiscard]] std::size_t body_limit(const serve::Head&) const override { return 0; }
  [[nodiscard]] bool trusts(const serve::Peer&) override { return true; }

  [[nodiscard]] serve::Handling handle(const serve::Request& request,
                                       serve::ResponseWriter& response) override {
    const auto service = parse_uint(request.head.header(kServiceField).value_or("0"));
    const auto status = parse_uint(request.head.header(kStatusField).value_or("200"));
    if (!service || *service > kLongestUs || !status || *status < 200 || *status > 599) {
      response.send(answer(400, kServed));
      return serve::Handling::done;
    }
    if (workers_.take(
            {std::chrono::microseconds{*service}, static_cast<int>(*status), request.later()}))
      return serve::Handling::later;
    response.send(answer(kUnavailable, kFull));
    return serve::Handling::done;
  }

 private:
  Workers workers_{kWorkers};
};

}  // namespace

int run_shop(std::uint16_t port) {
  auto listener = serve::listen_tcp({"127.0.0.1", port});
  if (!listener) {
    fmt::print(stderr, "the shop can't listen: {}\n", listener.error().message);
    return 1;
  }
  const serve::Clock clock;
  serve::Loop loop(clock);
  serve::LoopBuffers buffers;
  serve::ConnectionQuota quota(kConnections, kConnections);
  Desk desk;
  const serve::HttpServer server(loop, buffers, std::move(*listener), desk, {}, quota);
  loop.run();
  return 0;
}

}  // namespace tidelimit::impact
