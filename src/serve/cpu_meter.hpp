#pragma once

#include <memory>
#include <optional>

#include "config/config.hpp"
#include "engine/engine.hpp"
#include "serve/group_cpu.hpp"
#include "serve/host_cpu.hpp"
#include "serve/net/clock.hpp"
#include "serve/notes.hpp"
#include "serve/prometheus_poll.hpp"

namespace tidelimit::serve {

/// Hands the load figure `cpu` to the engine, from wherever the configuration says that it comes.
/// While there is none it is noted under "signals". One thread.
class CpuMeter {
 public:
  CpuMeter(engine::Engine& engine, const Clock& clock, Notes& notes)
      : engine_(engine), clock_(clock), notes_(notes) {}

  /// To be called every second or so; another source than before starts anew.
  void measure(const config::CpuSource& source, Instant now);

 private:
  void start(const config::CpuSource& source);
  void take(std::optional<double> value, Instant now);
  void read_group(Instant now);

  engine::Engine& engine_;
  const Clock& clock_;
  Notes& notes_;
  std::optional<config::CpuSource> source_;
  HostCpu host_;
  GroupCpu group_;
  std::unique_ptr<PrometheusPoll> poll_;
};

}  // namespace tidelimit::serve
