#include "cli/reading_progress.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace tidelimit::cli {
namespace {

/// Counts what passes, as it lies on disk (compressed or not).
class CountingStream : public ingest::ByteStream {
 public:
  CountingStream(std::unique_ptr<ingest::ByteStream> inner, std::shared_ptr<std::uint64_t> bytes)
      : inner_(std::move(inner)), bytes_(std::move(bytes)) {}

  Result<std::size_t> read(std::span<char> out) override {
    auto n = inner_->read(out);
    if (n) *bytes_ += *n;
    return n;
  }

 private:
  std::unique_ptr<ingest::ByteStream> inner_;
  std::shared_ptr<std::uint64_t> bytes_;
};

}  // namespace

ReadingProgress::ReadingProgress(const Input& input, std::string title)
    : input_(input), bar_(std::move(title)) {
  for (const ingest::Source& source : input.sources()) {
    std::error_code error;
    const auto size = std::filesystem::file_size(source.name, error);
    if (error) {  // standard input, a pipe: nobody knows how long
      bytes_total_ = 0;
      return;
    }
    bytes_total_ += size;
  }
}

Result<ingest::RecordReader> ReadingProgress::open() {
  auto reader = open_counted();
  if (!reader || !reader->is_windows()) return reader;
  return fail(Code::invalid_argument,
              "the input is a series of ready windows, which name no clients and no paths: give "
              "access logs, or csv with timestamp, client_ip and path");
}

Result<ingest::RecordReader> ReadingProgress::open_counted() {
  if (!bar_.visible()) return input_.open();
  std::vector<ingest::Source> counted;
  for (const ingest::Source& source : input_.sources()) {
    counted.push_back(source);
    counted.back().open = [open = source.open,
                           bytes = bytes_]() -> Result<std::unique_ptr<ingest::ByteStream>> {
      auto stream = open();
      if (!stream) return stream;
      return std::make_unique<CountingStream>(*std::move(stream), bytes);
    };
  }
  return ingest::RecordReader::open(std::move(counted), input_.options());
}

void ReadingProgress::paint() {
  const double ratio =
      bytes_total_ == 0 ? 0.0 : static_cast<double>(*bytes_) / static_cast<double>(bytes_total_);
  bar_.show(ratio, fmt::format("{} requests", requests_));
}

}  // namespace tidelimit::cli
