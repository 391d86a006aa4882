#include "serve/cpu_meter.hpp"

#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <thread>

namespace tidelimit::serve {
namespace {

using Kind = config::CpuSource::Kind;

constexpr char kPart[] = "signals";

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

void CpuMeter::measure(const config::CpuSource& source, Instant now) {
  if (source_ != source) start(source);
  if (source.kind == Kind::host) take(host_.take(read_text("/proc/stat")), now);
  if (source.kind == Kind::cgroup) read_group(now);
}

void CpuMeter::start(const config::CpuSource& source) {
  poll_.reset();
  notes_.clear(kPart);
  host_ = {};
  group_ = {};
  source_ = source;
  if (source.kind != Kind::prometheus) return;
  poll_ = std::make_unique<PrometheusPoll>(source.prometheus, source.query, kPart, notes_,
                                           [this](double value) { take(value, clock_.mono()); });
}

void CpuMeter::take(std::optional<double> value, Instant now) {
  if (value) engine_.signal({.name = "cpu", .value = *value, .measured_at = now});
}

void CpuMeter::read_group(Instant now) {
  const std::string used = read_text(source_->cgroup / "cpu.stat");
  if (used.find("usage_usec") == std::string::npos) {
    notes_.set(kPart, fmt::format("{} has no cpu.stat of a control group (version 2)",
                                  source_->cgroup.string()));
    return;
  }
  notes_.clear(kPart);
  const std::string most = read_text(source_->cgroup / "cpu.max");  // the root group has none
  take(group_.take(used, most, std::max(1u, std::thread::hardware_concurrency()), now), now);
}

}  // namespace tidelimit::serve
