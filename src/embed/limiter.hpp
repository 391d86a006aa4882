#pragma once

/// The limiter as a library: what an embedder includes, as <tidelimit/limiter.hpp>.
///
///   limiter::Limiter    the data plane: tables, and slots for plans, verdicts and overrides
///   limiter::Worker     one thread's way into it: decide(Call, Instant) -> Decision
///   limiter::BucketTable, limiter::conform   GCRA alone, where plans and verdicts are not wanted
///   Instant, Rate, ClientId, hash_bytes      what calls are made of
///
/// docs/embedding.md has examples; each type's header says what holds for it.

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/rate.hpp"
#include "base/time.hpp"
#include "limiter/bucket_table.hpp"
#include "limiter/client_table.hpp"
#include "limiter/decision.hpp"
#include "limiter/gcra.hpp"
#include "limiter/limiter.hpp"
#include "limiter/plan.hpp"
#include "limiter/snapshot.hpp"
#include "limiter/verdict.hpp"
