#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <vector>

#include "serve/net/lane.hpp"
#include "serve/net/loop.hpp"

namespace tidelimit::serve {
namespace {

TEST(Lane, LetsGoOfATaskWhereOthersMayPost) {
  std::promise<bool> posted;
  Lane lane("test", 8);
  // What a task holds may post when it goes, as the last to hold an answer's way back may.
  std::shared_ptr<int> last(new int, [&](const int* held) {
    delete held;
    posted.set_value(lane.post([] {}));
  });
  ASSERT_TRUE(lane.post([last = std::move(last)] {}));
  auto result = posted.get_future();
  ASSERT_EQ(result.wait_for(std::chrono::seconds{20}), std::future_status::ready);
  EXPECT_TRUE(result.get());
}

/// Asks to be served again in the next turn; then ends the loop.
class ServedTwice final : public Source {
 public:
  explicit ServedTwice(Loop& loop) : loop_(loop) {
    EXPECT_TRUE(loop.add(event_.get(), EPOLLIN | EPOLLET, *this));
  }
  void on_ready(std::uint32_t) override {
    if (++served == 1) loop_.again(*this);
    if (served == 2) loop_.stop();
  }
  int served = 0;

 private:
  Loop& loop_;
  Fd event_{eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)};
};

TEST(Loop, EndsATurnInWhichOneWasOnlyServedAgain) {
  Clock clock;
  Loop loop(clock);
  ServedTwice source(loop);
  std::vector<int> ended;
  loop.after_turn([&] { ended.push_back(source.served); });
  loop.run();
  EXPECT_EQ(ended, (std::vector<int>{1, 2, 2})) << "the last turn is that of stop()";
}

}  // namespace
}  // namespace tidelimit::serve
