#pragma once

#include <cstdint>
#include <memory>

#include "base/error.hpp"
#include "ingest/byte_stream.hpp"

namespace tidelimit::ingest {

/// The lines of `bytes`, the last one first, each with a line end behind it. With `header_first`
/// the first line comes before them, and again in its turn. Memory: one buffer of 256 KiB, however
/// long the lines are.
[[nodiscard]] std::unique_ptr<ByteStream> backward_lines(std::shared_ptr<const StoredBytes> bytes,
                                                         bool header_first);

/// How many lines there are; the last one needs no line end. Reads all of it.
[[nodiscard]] Result<std::uint64_t> count_lines(const StoredBytes& bytes);

}  // namespace tidelimit::ingest
