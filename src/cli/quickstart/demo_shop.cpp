#include "cli/quickstart/demo_shop.hpp"

#include "base/text.hpp"

namespace tidelimit::cli::quickstart {

class DemoShop::Answers final : public serve::Handler {
 public:
  [[nodiscard]] std::size_t body_limit(const serve::Head&) const override { return 64 << 10; }
  [[nodiscard]] bool trusts(const serve::Peer&) override { return true; }

  [[nodiscard]] serve::Handling handle(const serve::Request& request,
                                       serve::ResponseWriter& response) override {
    const auto asked = parse_uint(request.head.header("x-demo-status").value_or("200"));
    const bool known = asked && *asked >= 200 && *asked < 600;
    response.begin(known ? static_cast<int>(*asked) : 400);
    response.finish("text/plain", known && *asked < 400 ? "here you are\n" : "no\n");
    return serve::Handling::done;
  }
};

Result<std::unique_ptr<DemoShop>> DemoShop::start() {
  auto listener = serve::listen_tcp({"127.0.0.1", 0});
  if (!listener) return tl::unexpected(listener.error());
  std::unique_ptr<DemoShop> shop(new DemoShop(std::move(*listener)));
  shop->thread_ = std::thread([loop = &shop->loop_] { loop->run(); });
  return shop;
}

DemoShop::DemoShop(serve::Fd listener)
    : port_(serve::local_port(listener)),
      loop_(clock_),
      quota_(1024, 1024),
      answers_(std::make_unique<Answers>()),
      server_(loop_, buffers_, std::move(listener), *answers_, {}, quota_) {}

DemoShop::~DemoShop() {
  loop_.stop();
  if (thread_.joinable()) thread_.join();
}

}  // namespace tidelimit::cli::quickstart
