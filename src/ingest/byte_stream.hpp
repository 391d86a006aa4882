#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tidelimit::ingest {

/// A run of bytes read once, front to back. One thread.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  /// Puts at least one byte at the front of `out` and returns how many; 0 means the end. `out` is
  /// not empty. An error comes after all bytes that could still be had were delivered; after it the
  /// stream is at its end.
  [[nodiscard]] virtual Result<std::size_t> read(std::span<char> out) = 0;
};

/// The bytes of a text, which the stream owns.
[[nodiscard]] std::unique_ptr<ByteStream> memory_stream(std::string bytes);

/// The bytes of an open file descriptor (file, pipe, terminal), closed with the stream where
/// `owned`. Opening files, and saying why that failed, is the rim's business.
[[nodiscard]] std::unique_ptr<ByteStream> descriptor_stream(int descriptor, bool owned);

/// Recognises gzip (several members too) and zstd (several frames too) by their first bytes and
/// decompresses; anything else passes through untouched. A stream that is cut short or damaged
/// gives what could be decoded, then an Error of code data_loss.
[[nodiscard]] std::unique_ptr<ByteStream> decompressed(std::unique_ptr<ByteStream> stream);

/// Bytes that can be read at any place, again and again.
class StoredBytes {
 public:
  StoredBytes() = default;
  StoredBytes(const StoredBytes&) = delete;
  StoredBytes& operator=(const StoredBytes&) = delete;
  virtual ~StoredBytes() = default;

  /// How many there were when this was made; what is added later is not read.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// The bytes from `from` on, as many as fit into `out` and are there.
  [[nodiscard]] virtual Result<std::size_t> read_at(std::uint64_t from,
                                                    std::span<char> out) const = 0;
};

/// The bytes of a regular file, whose descriptor is closed with this.
[[nodiscard]] Result<std::shared_ptr<const StoredBytes>> stored_file(int descriptor);

/// An input whose last line is read first: where its lines stand in the file.
struct Turned {
  std::uint64_t lines = 0;
  bool header_first = false;  ///< the first line comes first all the same, and once more at the end

  [[nodiscard]] std::uint64_t number_of(std::uint64_t read) const {
    if (!header_first) return lines + 1 - read;
    return read == 1 ? 1 : lines + 2 - read;
  }
};

/// A named input that can be opened when its turn comes.
struct Source {
  std::string name;  ///< as people know it: the file's path, "standard input"
  std::function<Result<std::unique_ptr<ByteStream>>()> open;
  bool only_once = false;  ///< a pipe: what was read is gone
  /// The same bytes for reading at any place; empty: not possible.
  std::function<Result<std::shared_ptr<const StoredBytes>>()> stored = {};
  /// No request of this input or of a later one is much older; empty: unknown. Set by
  /// order_by_time().
  std::optional<WallTime> begins = {};
  std::optional<Turned> turned = {};  ///< `open` gives the last line first
};

}  // namespace tidelimit::ingest
