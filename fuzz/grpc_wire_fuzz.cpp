#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "serve/grpc/wire.hpp"

namespace {

using namespace tidelimit::serve::grpc;
using Step = MessageReader::Step;

constexpr std::size_t kLimit = 300;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<std::string> messages;
  Step last = Step::starved;
  bool operator==(const Outcome&) const = default;
};

Outcome read_all(std::string_view bytes, std::size_t cut) {
  Outcome outcome;
  MessageReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += cut) {
    const std::string piece(bytes.substr(at, cut));  // so that a read beyond it is seen
    std::string_view rest = piece;
    while (true) {
      outcome.last = reader.read(rest, kLimit);
      if (outcome.last != Step::message) break;
      require(reader.message().size() <= kLimit);
      outcome.messages.emplace_back(reader.message());
    }
    if (outcome.last != Step::starved) break;
    require(rest.empty() && reader.kept() < kLimit + kPrefixBytes);
  }
  return outcome;
}

}  // namespace

/// Messages are the same however their bytes are cut, and what is written is read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = read_all(bytes, bytes.size() + 1);
  require(whole == read_all(bytes, 1));
  require(whole == read_all(bytes, data[0] + std::size_t{1}));
  std::string again;
  for (const std::string& message : whole.messages) {
    const std::size_t at = begin_message(again);
    again += message;
    end_message(again, at);
  }
  require(bytes.starts_with(again));

  if (const auto timeout = parse_timeout(bytes))
    require(timeout->count() >= 0 && bytes.size() <= 9);
  std::string text;
  append_percent_encoded(text, bytes);
  require(text.size() <= 3 * kMessageBytes);
  for (const char c : text) require(c >= 0x20 && c < 0x7f);
  (void)is_grpc_content_type(bytes);
  return 0;
}
