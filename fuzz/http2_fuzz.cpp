#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "serve/grpc/health.hpp"
#include "serve/grpc/service_table.hpp"
#include "serve/http2/session.hpp"

namespace {

using namespace tidelimit;
using namespace tidelimit::serve;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Gives every message back; ends at an empty one.
class Chat final : public grpc::Service {
 public:
  [[nodiscard]] std::string_view name() const override { return "t.T"; }
  [[nodiscard]] std::span<const grpc::Method> methods() const override {
    static constexpr std::array kMethods{grpc::Method{"U", 0, grpc::MethodKind::unary},
                                         grpc::Method{"S", 1, grpc::MethodKind::stream}};
    return kMethods;
  }
  [[nodiscard]] std::size_t message_limit() const override { return 1000; }
  [[nodiscard]] grpc::Status unary(int, std::string_view message, const grpc::CallContext&,
                                   std::string& reply) override {
    require(message.size() <= message_limit());
    reply += message;
    return {};
  }
  [[nodiscard]] std::unique_ptr<grpc::CallHandler> open(int, const grpc::CallContext&,
                                                        grpc::Call& call) override {
    return std::make_unique<Handler>(call);
  }

 private:
  class Handler final : public grpc::CallHandler {
   public:
    explicit Handler(grpc::Call& call) : call_(call) { ++alive; }
    ~Handler() override { --alive; }
    void on_message(std::string_view message, const grpc::CallContext&) override {
      (void)call_.send(message);
      if (message.empty()) call_.finish({});
    }
    void on_end(const grpc::CallContext&) override {
      call_.finish({grpc::StatusCode::aborted, "\xff%"});
    }

   private:
    grpc::Call& call_;
  };

 public:
  inline static int alive = 0;
};

}  // namespace

/// The first byte says how the input is cut into reads and when seconds pass; the rest is what a
/// client sends, behind a preface where its bit is set. Whatever comes, the session ends in time,
/// keeps no call, and holds no more than its bounds.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::uint8_t how = data[0];
  std::string bytes;
  if ((how & 1) != 0) bytes = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  bytes.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = std::size_t{1} << (how >> 1 & 15);

  Http2Limits limits;
  limits.held_bytes = 2000;
  limits.streams = 20;
  Now now{};
  const Peer peer{};
  {
    grpc::ServiceTable services([](const Peer&) { return true; });
    services.add(std::make_unique<Chat>());
    services.add(std::make_unique<grpc::HealthService>(std::vector<std::string>{"t.T"}));
    Http2Session session(services, peer, true, limits, now, [] {});
    std::string out;
    for (std::size_t at = 0; at < bytes.size() && !session.deaf(); at += cut) {
      session.receive(std::string_view(bytes).substr(at, cut));
      out.clear();
      session.collect(out, 1 << 16);
      require(out.size() < (1 << 16) + (1 << 15));
      require(session.streams() <= limits.streams + 1);
      if ((how & 0x20) != 0) {
        now.mono = now.mono + std::chrono::seconds{1};
        session.check_time();
      }
    }
    // Nothing that a client leaves undone lasts.
    if ((how & 0x40) != 0) session.drain();
    for (int i = 0; i < 200 && !session.over(); ++i) {
      now.mono = now.mono + std::chrono::seconds{10};
      session.check_time();
      out.clear();
      session.collect(out, 1 << 16);
    }
    require((how & 0x40) == 0 || session.over() || session.streams() == 0);
  }
  require(Chat::alive == 0);
  return 0;
}
