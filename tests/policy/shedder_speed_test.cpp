// How soon shedding begins after a jump of the load: eleven workers, first come first served, in
// virtual time, each answer counted when it is given.
#include <algorithm>
#include <gtest/gtest.h>
#include <queue>

#include "policy/shedding_upstream.hpp"

namespace tidelimit::policy::test {
namespace {

constexpr int kServers = 11;
constexpr double kMean_s = 0.1;  // exponential
constexpr double kCan = kServers / kMean_s;

class Queue {
 public:
  explicit Queue(std::uint64_t seed) : shedder(with_shedding(), 0), random_(seed) {
    for (int i = 0; i < kServers; ++i) free_at_.push(0);
  }

  /// Calls at `per_second`, three of ten to payment, for one second.
  void second(double per_second) {
    LoadSample sample{seconds{1}, {}};
    for (const char* name : {"payment", "browse"})
      sample.endpoints.push_back({name, {0, 0}, {}, {}, {}, {}});
    const double end = now_ + 1;
    for (; next_ < end; next_ += random_.exponential() / per_second) {
      const std::size_t endpoint = random_.chance(0.3) ? kPayment : kBrowse;
      sample.endpoints[endpoint].asked[kStd] += 1;
      asked += 1;
      if (random_.chance(shedder.share(endpoint * kTiers + kStd))) {
        shed += 1;
      } else {
        admit(endpoint);
      }
    }
    for (; !answers_.empty() && answers_.top().at < end; answers_.pop()) {
      const Answer& answer = answers_.top();
      sample.endpoints[answer.endpoint].served += {1, answer.took_s * 1e3};
    }
    now_ = end;
    TimedAnswers all;
    for (const EndpointLoad& load : sample.endpoints) all += load.served;
    wait_ms = all.count > 0 ? all.mean_ms() - kMean_s * 1e3 : 0;
    shedder.update(sample, {Instant{hours{1}} + seconds{ticks_}, WallTime{hours{24 * 20000}}});
    ++ticks_;
  }

  Shedder shedder;
  double wait_ms = 0;  ///< mean of the last second's answers, beyond the usual
  double asked = 0, shed = 0;

 private:
  struct Answer {
    double at, took_s;
    std::size_t endpoint;
    bool operator>(const Answer& other) const { return at > other.at; }
  };

  void admit(std::size_t endpoint) {
    const double done = std::max(next_, free_at_.top()) + random_.exponential() * kMean_s;
    free_at_.pop();
    free_at_.push(done);
    answers_.push({done, done - next_, endpoint});
  }

  Random random_;
  double now_ = 0, next_ = 0;
  int ticks_ = 0;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at_;
  std::priority_queue<Answer, std::vector<Answer>, std::greater<>> answers_;
};

TEST(ShedderSpeed, ShedsAtTheSecondSampleOfAnswersThatWait) {
  for (const double load : {1.2, 1.36, 2.0, 5.0}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      Queue queue(seed);
      for (int i = 0; i < 120; ++i) queue.second(0.55 * kCan);
      int waited = 0;
      for (int i = 0; i < 60 && !queue.shedder.state().active; ++i) {
        queue.second(load * kCan);
        waited += queue.wait_ms > 100 ? 1 : 0;
      }
      EXPECT_LE(waited, 2) << load << " of what it can do, seed " << seed;
    }
  }
}

}  // namespace
}  // namespace tidelimit::policy::test
