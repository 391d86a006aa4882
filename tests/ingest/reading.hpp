#pragma once

#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

#include "ingest/byte_stream.hpp"
#include "ingest/record_reader.hpp"

namespace tidelimit::ingest {

/// A request whose texts live on.
struct Owned {
  std::string time;
  std::string client;
  std::string user;
  std::string tier;
  std::string method;
  std::string path;
  std::string agent;
  std::uint16_t status = 0;
  float latency_ms = 0;
  std::int64_t bytes = 0;
  std::optional<bool> own_denial = {};
  traffic::Asked asked = traffic::Asked::unsaid;
};

inline Owned owned(const traffic::Request& r) {
  return {format_time(r.time),
          std::string(r.client_name),
          std::string(r.user_id),
          std::string(r.tier),
          std::string(r.method),
          std::string(r.path),
          std::string(r.user_agent),
          r.status,
          r.latency_ms,
          r.bytes,
          r.own_denial,
          r.asked};
}

inline Source text_source(std::string name, std::string text) {
  return {std::move(name), [text = std::move(text)]() -> Result<std::unique_ptr<ByteStream>> {
            return memory_stream(text);
          }};
}

inline ReadOptions options(const std::string& format = "", std::vector<std::string> fields = {},
                           bool strict = false) {
  return {.format = *FormatChoice::from_options(format, fields), .strict = strict};
}

/// All that reading some inputs came to.
struct Reading {
  std::vector<Owned> requests;
  ReadReport report;
  std::optional<Error> failure;
};

inline Reading read_all(std::vector<Source> sources, ReadOptions how = options()) {
  Reading reading;
  auto reader = RecordReader::open(std::move(sources), std::move(how));
  if (!reader) {
    reading.failure = reader.error();
    return reading;
  }
  traffic::Request request;
  while (reader->next(request)) reading.requests.push_back(owned(request));
  reading.report = reader->report();
  reading.failure = reader->failure();
  return reading;
}

inline Reading read_text(std::string text, ReadOptions how = options()) {
  return read_all({text_source("access.log", std::move(text))}, std::move(how));
}

inline std::string gzip(std::string_view text) {
  z_stream state{};
  deflateInit2(&state, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&state, text.size()) + 64, '\0');
  state.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  state.avail_in = static_cast<uInt>(text.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(packed.size() - state.avail_out);
  deflateEnd(&state);
  return packed;
}

/// A stream that hands out its bytes in pieces of at most `piece`.
class Dripping final : public ByteStream {
 public:
  Dripping(std::string bytes, std::size_t piece) : bytes_(std::move(bytes)), piece_(piece) {}
  Result<std::size_t> read(std::span<char> out) override {
    const std::size_t n = std::min({out.size(), piece_, bytes_.size() - at_});
    bytes_.copy(out.data(), n, at_);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

}  // namespace tidelimit::ingest
