#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/engine.hpp"
#include "serve/net/clock.hpp"
#include "store/buckets/bucket_file.hpp"

namespace tidelimit::serve {

struct ServiceOptions {
  unsigned loops = 0;  ///< 0: one for each CPU this process may run on
  /// Where buckets are kept, by whose seed the engine was made; null: they end with the process.
  std::shared_ptr<store::BucketFile> buckets = nullptr;
};

/// The running gate: event loops, control thread and lanes around one engine.
///   start .. stop, in this order, once. `stop` finishes what is under way.
class Service {
 public:
  /// Opens the listeners, makes or reads the token file and starts all threads. The engine is
  /// restored and has its models. `clock` is the one whose time restored it. Errors (a port in use,
  /// a bad token file) name the place and the mend; then nothing runs.
  [[nodiscard]] static Result<std::unique_ptr<Service>> start(
      config::Config config, std::shared_ptr<engine::Engine> engine, const Clock& clock,
      const ServiceOptions& options);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// Where it listens, with the ports that the kernel chose for port 0.
  [[nodiscard]] const config::Listen& listening() const;
  [[nodiscard]] unsigned loops() const;

  /// Reads the configuration anew, as on SIGHUP.
  void reload();
  /// To be called now and then by the thread that waits for signals: notices a control plane that
  /// hangs. Never waits.
  void watch();

  /// Accepts no more, finishes what is under way (for at most `patience`), lets the control plane
  /// store its last state. False: something hung; the process must end by _exit.
  [[nodiscard]] bool stop(std::chrono::milliseconds patience);

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// CPUs this process may run on, at least 1.
[[nodiscard]] unsigned usable_cpus();

}  // namespace tidelimit::serve
