#include "impact/runs.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <thread>

#include "impact/trial.hpp"

namespace tidelimit::impact {

Result<Outcomes> play_all(Span span, std::uint64_t first_seed, std::size_t seeds,
                          std::shared_ptr<const model::Bundle> models) {
  Outcomes outcomes(seeds);
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::optional<Error> trouble;
  const auto work = [&] {
    for (std::size_t job = next++; job < seeds * kVirtualArms.size(); job = next++) {
      const Arm arm = kVirtualArms[job % kVirtualArms.size()];
      auto outcome = play(arm, span, first_seed + job / kVirtualArms.size(), models);
      std::lock_guard lock(mutex);
      if (outcome) {
        outcomes[job / kVirtualArms.size()][static_cast<std::size_t>(arm)] = std::move(*outcome);
      } else {
        trouble = outcome.error();
      }
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
    threads.emplace_back(work);
  threads.clear();
  if (trouble) return tl::unexpected(*trouble);
  return outcomes;
}

}  // namespace tidelimit::impact
