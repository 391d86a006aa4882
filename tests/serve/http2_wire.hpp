#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// HTTP/2 frames by hand, so that tests may send what no library would.
namespace tidelimit::serve::wire {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum Type : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoaway = 7,
  kWindow = 8,
  kContinuation = 9
};
inline constexpr std::uint8_t kEndStream = 1, kAck = 1, kEndHeaders = 4;

inline std::string be32(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<char>(number >> shift & 0xff));
  return bytes;
}

inline std::string frame(std::uint8_t type, std::uint8_t flags, std::uint32_t stream,
                         std::string_view payload = {}) {
  std::string bytes = be32(static_cast<std::uint32_t>(payload.size())).substr(1);
  bytes.push_back(static_cast<char>(type));
  bytes.push_back(static_cast<char>(flags));
  bytes += be32(stream);
  bytes += payload;
  return bytes;
}

using Fields = std::vector<std::pair<std::string, std::string>>;

/// HPACK without compression: every field literal, never indexed.
inline std::string pack(const Fields& fields) {
  std::string bytes;
  const auto text = [&](std::string_view part) {
    if (part.size() < 127) {
      bytes.push_back(static_cast<char>(part.size()));
    } else {
      bytes.push_back(127);
      std::size_t rest = part.size() - 127;
      for (; rest >= 128; rest >>= 7) bytes.push_back(static_cast<char>(rest % 128 + 128));
      bytes.push_back(static_cast<char>(rest));
    }
    bytes += part;
  };
  for (const auto& [name, value] : fields) {
    bytes.push_back(0);
    text(name);
    text(value);
  }
  return bytes;
}

/// One literal field that goes into the dynamic table, where it is the first.
inline std::string pack_indexed(std::string_view name, std::string_view value) {
  std::string bytes = pack({{std::string(name), std::string(value)}});
  bytes.front() = '\x40';
  return bytes;
}
/// The first field of the dynamic table, by its index alone.
inline constexpr char kFirstOfTable = '\xbe';

inline Fields grpc_head(const std::string& path, const Fields& more = {}) {
  Fields fields{{":method", "POST"},    {":scheme", "http"}, {":path", path},
                {":authority", "gate"}, {"te", "trailers"},  {"content-type", "application/grpc"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

inline std::string headers(std::uint32_t stream, const Fields& fields,
                           std::uint8_t flags = kEndHeaders) {
  return frame(kHeaders, flags, stream, pack(fields));
}

inline std::string message(std::string_view payload, char flag = 0) {
  return std::string(1, flag) + be32(static_cast<std::uint32_t>(payload.size())) +
         std::string(payload);
}

/// A whole unary call.
inline std::string call(std::uint32_t stream, const std::string& path, std::string_view payload,
                        const Fields& more = {}) {
  return headers(stream, grpc_head(path, more)) +
         frame(kData, kEndStream, stream, message(payload));
}

/// What a server sent, taken apart.
class Received {
 public:
  struct Stream {
    std::map<std::string, std::string> fields;  ///< of head and trailers
    std::string data;
    std::string frames;  ///< h, d in their order; capital where the stream ends
    std::uint32_t reset = 0;
    bool was_reset = false;
    [[nodiscard]] bool ended() const {
      return frames.find('H') != std::string::npos || frames.find('D') != std::string::npos;
    }
  };

  Received() {
    nghttp2_hd_inflater* made = nullptr;
    (void)nghttp2_hd_inflate_new(&made);
    inflater_.reset(made);
  }

  void take(std::string_view bytes) {
    rest_ += bytes;
    while (rest_.size() >= 9) {
      const std::size_t size = number(0, 3);
      if (rest_.size() < 9 + size) return;
      one(static_cast<std::uint8_t>(rest_[3]), static_cast<std::uint8_t>(rest_[4]), number(5, 4),
          std::string_view(rest_).substr(9, size));
      rest_.erase(0, 9 + size);
    }
  }

  std::map<std::uint32_t, Stream> streams;
  std::vector<std::uint32_t> goaways;  ///< error codes
  std::uint32_t last_stream = 0;       ///< of the last goaway
  std::map<std::uint32_t, std::uint32_t> settings;
  int ping_acks = 0;
  std::vector<std::string> pings;

 private:
  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t size) const {
    return number_in(rest_, at, size);
  }
  static std::uint32_t number_in(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + size; ++i)
      value = value << 8 | static_cast<std::uint8_t>(bytes[i]);
    return value;
  }

  void one(std::uint8_t type, std::uint8_t flags, std::uint32_t id, std::string_view payload) {
    const bool last = (flags & kEndStream) != 0;
    switch (type) {
      case kData:
        streams[id].data += payload;
        streams[id].frames += last ? 'D' : 'd';
        break;
      case kHeaders:
        streams[id].frames += last ? 'H' : 'h';
        unpack(payload, streams[id].fields);
        break;
      case kReset:
        streams[id].was_reset = true;
        streams[id].reset = number_in(payload, 0, 4);
        break;
      case kSettings:
        for (std::size_t at = 0; at + 6 <= payload.size(); at += 6)
          settings[number_in(payload, at, 2)] = number_in(payload, at + 2, 4);
        break;
      case kPing:
        if ((flags & kAck) != 0) {
          ++ping_acks;
        } else {
          pings.emplace_back(payload);
        }
        break;
      case kGoaway:
        last_stream = number_in(payload, 0, 4);
        goaways.push_back(number_in(payload, 4, 4));
        break;
      default:
        break;
    }
  }

  void unpack(std::string_view block, std::map<std::string, std::string>& fields) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(block.data());
    std::size_t left = block.size();
    while (true) {
      nghttp2_nv nv{};
      int flags = 0;
      const ssize_t took = nghttp2_hd_inflate_hd2(inflater_.get(), &nv, &flags, at, left, 1);
      if (took < 0) return;
      at += took;
      left -= static_cast<std::size_t>(took);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
        fields[{reinterpret_cast<char*>(nv.name), nv.namelen}] = {reinterpret_cast<char*>(nv.value),
                                                                  nv.valuelen};
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    (void)nghttp2_hd_inflate_end_headers(inflater_.get());
  }

  struct Free {
    void operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }
  };
  std::unique_ptr<nghttp2_hd_inflater, Free> inflater_;
  std::string rest_;
};

}  // namespace tidelimit::serve::wire
