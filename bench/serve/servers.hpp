#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "serve/children.hpp"

namespace tidelimit::bench {

/// A server under test and where it listens. Limits let everything pass: what is measured is the
/// decision, not the refusal. All key by the first X-Forwarded-For and have room for `keys` of
/// them.
struct Server {
  std::uint16_t port = 0;
  std::unique_ptr<Child> child;
};

/// The gate with one event loop.
[[nodiscard]] Server start_gate(const std::filesystem::path& folder, int core);
/// The same, by its port for gRPC.
[[nodiscard]] Server start_grpc_gate(const std::filesystem::path& folder, int core);
/// This program again as `--grpc-reference PORT` (see grpc_reference.hpp).
[[nodiscard]] Server start_grpc_reference(const std::filesystem::path& folder, int core);
/// nginx with limit_req, one process.
[[nodiscard]] Server start_nginx(const std::filesystem::path& folder, std::size_t keys, int core);
/// HAProxy with a stick table of request rates, one thread.
[[nodiscard]] Server start_haproxy(const std::filesystem::path& folder, std::size_t keys, int core);
/// The least a server can do: this program again as `--bare-loop PORT`, which answers every head
/// with 200 and nothing else.
[[nodiscard]] Server start_bare_loop(const std::filesystem::path& folder, int core);

/// Runs that bare loop; returns only on an error.
int run_bare_loop(std::uint16_t port);

void write_file(const std::filesystem::path& file, const std::string& text);

}  // namespace tidelimit::bench
