#include "ingest/distinct_counter.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tidelimit::ingest {
namespace {

constexpr std::size_t kExact = 65'536;
constexpr unsigned kIndexBits = 14;
constexpr std::size_t kRegisters = std::size_t{1} << kIndexBits;

}  // namespace

void DistinctCounter::add(std::uint64_t hash) {
  if (!registers_.empty()) return add_to_registers(hash);
  hashes_.insert(hash);
  if (hashes_.size() <= kExact) return;
  registers_.resize(kRegisters);
  for (const std::uint64_t known : hashes_) add_to_registers(known);
  hashes_ = {};
}

void DistinctCounter::add_to_registers(std::uint64_t hash) {
  const std::size_t index = hash >> (64 - kIndexBits);
  const std::uint64_t rest = (hash << kIndexBits) | 1;  // the set bit bounds the run of zeros
  const auto run = static_cast<std::uint8_t>(std::countl_zero(rest) + 1);
  registers_[index] = std::max(registers_[index], run);
}

std::uint64_t DistinctCounter::count() const {
  if (exact()) return hashes_.size();
  double inverse_sum = 0;
  for (const std::uint8_t run : registers_) inverse_sum += std::ldexp(1.0, -run);
  // The paper's correction for small counts never applies: they are counted exactly; nor that for
  // large ones, which 64-bit hashes do not need.
  constexpr double kM = kRegisters;
  constexpr double kAlpha = 0.7213 / (1.0 + 1.079 / kM);
  return static_cast<std::uint64_t>(std::llround(kAlpha * kM * kM / inverse_sum));
}

}  // namespace tidelimit::ingest
