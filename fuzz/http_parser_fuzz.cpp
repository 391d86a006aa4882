#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/http/chunked_decoder.hpp"
#include "serve/http/parser.hpp"
#include "serve/http/target.hpp"

namespace {

using namespace tidelimit::serve;

void require(bool holds) {
  if (!holds) std::abort();
}

bool lies_in(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

/// A head must be found again, equal, when only its own bytes are there, and at no shorter prefix.
void check_head(std::string_view bytes) {
  static Head head, again;
  Refusal refusal;
  const Parse parsed = parse_head(bytes, head, refusal);
  if (parsed == Parse::refused) {
    require(refusal.status >= 400 && refusal.status < 600 && refusal.why[0] != '\0');
    return;
  }
  if (parsed == Parse::incomplete) {
    require(bytes.size() < Head::kMaxBytes);
    return;
  }
  require(head.size > 0 && head.size <= bytes.size() && head.size <= Head::kMaxBytes);
  require(!(head.chunked && head.content_length));
  require(lies_in(head.method, bytes) && lies_in(head.target, bytes));
  for (const Header& field : head.headers())
    require(!field.name.empty() && lies_in(field.name, bytes) && lies_in(field.value, bytes));
  require(parse_head(bytes.substr(0, head.size), again, refusal) == Parse::complete);
  require(again.size == head.size && again.count == head.count);
  require(parse_head(bytes.substr(0, head.size - 1), again, refusal) == Parse::incomplete);
  (void)origin_form(head.target);
  (void)query_value(head.target, "deny");
  (void)decode_component(head.target, true);
}

/// A chunked body decodes alike whole and byte by byte, and never beyond its limit.
void check_chunks(std::string_view bytes) {
  constexpr std::size_t kLimit = 4096;
  ChunkedDecoder whole, slow;
  std::string body, slow_body;
  const std::size_t eaten = whole.feed(bytes, body, kLimit);
  std::size_t at = 0;
  while (at < bytes.size() && !slow.done() && !slow.bad())
    at += slow.feed(bytes.substr(at, 1), slow_body, kLimit);
  require(body.size() <= kLimit && body == slow_body && at == eaten);
  require(whole.done() == slow.done() && whole.bad().has_value() == slow.bad().has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check_head(bytes);
  check_chunks(bytes);
  return 0;
}
