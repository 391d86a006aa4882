#pragma once

#include <csignal>
#include <memory>

#include "base/error.hpp"
#include "config/config.hpp"
#include "engine/engine.hpp"
#include "serve/net/clock.hpp"
#include "serve/service.hpp"
#include "store/buckets/bucket_file.hpp"

namespace tidelimit::cli {

/// Blocks the signals that end or reload a gate, for this thread and all that it starts later; to
/// be taken by sigtimedwait. Call it before any other thread begins.
[[nodiscard]] sigset_t block_signals();

/// Log lines on standard error, each with its time.
void start_log();

/// The gate's memory on disk. Null without a `state`. A damaged file is moved aside and a new one
/// begun, with a word in the log: a broken store must not keep the gate shut. One that can't be
/// written at all is a mistake to mend before starting.
[[nodiscard]] Result<std::shared_ptr<engine::History>> open_history(const config::Config& config);

/// Where the gate keeps the buckets of its limits. Null without a `state`. Call it with the history
/// open: that holds the lock on both.
[[nodiscard]] std::shared_ptr<store::BucketFile> open_buckets(const config::Config& config);

/// The engine of a configuration, restored from its history, with its models if they can be read;
/// what is missing is said in the log. `buckets`: what the service will keep them in; may be null.
[[nodiscard]] std::shared_ptr<engine::Engine> make_engine(
    const config::Config& config, std::shared_ptr<engine::History> history,
    const serve::Clock& clock, const store::BucketFile* buckets = nullptr);

/// Says on standard output where the gate listens.
void announce(const serve::Service& service);

}  // namespace tidelimit::cli
