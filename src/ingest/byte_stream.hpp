#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

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

/// A named input that can be opened when its turn comes.
struct Source {
  std::string name;  ///< as people know it: the file's path, "standard input"
  std::function<Result<std::unique_ptr<ByteStream>>()> open;
  bool only_once = false;  ///< a pipe: what was read is gone
};

}  // namespace tidelimit::ingest
