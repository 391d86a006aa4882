#pragma once

#include <cstdint>
#include <filesystem>
#include <sched.h>
#include <string>
#include <sys/types.h>
#include <vector>

namespace tidelimit::bench {

inline constexpr int kAnyCore = -1;

/// A server under test: a child process, its output in a file, ended by its id with the object.
class Child {
 public:
  /// `core`: the one CPU it may run on; kAnyCore: all that this process may. Ends the benchmark
  /// with words if it can't be started.
  Child(const std::vector<std::string>& command, const std::filesystem::path& output, int core);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits until something listens on the port of loopback.
  void wait_for(std::uint16_t port) const;
  /// CPU time it has used.
  [[nodiscard]] double cpu_seconds() const;
  /// Resident memory now, in MB (10^6 bytes).
  [[nodiscard]] double resident_mb() const;

 private:
  std::string name_;
  std::filesystem::path output_;
  pid_t pid_ = -1;
};

/// What a command prints on its standard output; ends the benchmark with words if it fails.
[[nodiscard]] std::string output_of(const std::vector<std::string>& command, int core);

/// A port of loopback that was free just now.
[[nodiscard]] std::uint16_t free_port();

/// CPUs this process may run on, in order.
[[nodiscard]] std::vector<int> usable_cores();

/// Runs this thread on one CPU until the object ends.
class OnCore {
 public:
  explicit OnCore(int core);
  ~OnCore();
  OnCore(const OnCore&) = delete;
  OnCore& operator=(const OnCore&) = delete;

 private:
  cpu_set_t before_{};
};

/// Words on standard error, then the end with status 1.
[[noreturn]] void give_up(const std::string& why);

}  // namespace tidelimit::bench
