#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "impact/world.hpp"
#include "serve/children.hpp"

namespace tidelimit::impact {

/// What every arm has in common: where things are, and what the gate shall know.
struct Equipment {
  std::filesystem::path tidelimit;  ///< the binary
  std::filesystem::path self;       ///< this program, for the shop
  std::filesystem::path deploy;     ///< deploy/nginx of the sources
  std::filesystem::path bundle;     ///< a model bundle
  std::filesystem::path history;    ///< of the weeks before: a state file
  std::uint64_t users = 0;          ///< customers are numbered from 0 to below this
};

/// One arm's processes on loopback, each by itself: the shop; nginx before it, in every arm; and
/// where the arm has one, `tidelimit serve`, asked by nginx with the files of deploy/nginx
/// (auth_request, access log by syslog). All are ended by their ids with the object.
class Gateway {
 public:
  /// `folder`: empty, of this arm's own. The gate's calendar begins `lead` (real time) before
  /// `from`. Ends the benchmark with words if something can't be started.
  Gateway(Arm arm, const Equipment& equipment, const std::filesystem::path& folder, Nanos from,
          Nanos lead);

  [[nodiscard]] std::uint16_t port() const { return nginx_port_; }
  /// Of the gate's HTTP; 0 where the arm has none.
  [[nodiscard]] std::uint16_t gate_port() const { return gate_port_; }
  /// How often nginx got no answer from the gate and let a request pass.
  [[nodiscard]] std::size_t gate_silences() const;

 private:
  void start_gate(Arm arm, const Equipment& equipment, Nanos begin);
  void start_nginx(Arm arm, const Equipment& equipment);

  std::filesystem::path folder_;
  std::uint16_t shop_port_, nginx_port_, gate_port_ = 0, syslog_port_ = 0;
  std::unique_ptr<bench::Child> shop_, gate_, nginx_;
};

}  // namespace tidelimit::impact
