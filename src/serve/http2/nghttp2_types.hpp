#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <nghttp2/nghttp2.h>
#include <span>
#include <string_view>

#include "serve/http2/session.hpp"

/// Our types as nghttp2's, for the session alone.
namespace tidelimit::serve {

inline constexpr std::size_t kMostFields = 8;  // of an answer

inline std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

inline std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));  // nghttp2 only reads
}

/// nghttp2's memory from a pool. nghttp2 keeps a copy of the table.
inline nghttp2_mem pooled(BlockPool* pool) {
  return {
      .mem_user_data = pool,
      .malloc = [](std::size_t size,
                   void* user) { return static_cast<BlockPool*>(user)->take(size); },
      .free = [](void* block, void* user) { static_cast<BlockPool*>(user)->give(block); },
      .calloc =
          [](std::size_t count, std::size_t size, void* user) {
            const bool fits = size == 0 || count <= SIZE_MAX / size;
            void* const block = fits ? static_cast<BlockPool*>(user)->take(count * size) : nullptr;
            if (block != nullptr) std::memset(block, 0, count * size);
            return block;
          },
      .realloc = [](void* block, std::size_t size,
                    void* user) { return static_cast<BlockPool*>(user)->resize(block, size); },
  };
}

inline std::size_t to_nv(std::span<const Field> fields, std::array<nghttp2_nv, kMostFields>& nv) {
  assert(fields.size() <= nv.size());
  const std::size_t count = std::min(fields.size(), nv.size());
  for (std::size_t i = 0; i < count; ++i) {
    const Field& field = fields[i];
    const int flags = field.constant ? NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
                                     : NGHTTP2_NV_FLAG_NONE;
    nv[i] = {bytes_of(field.name), bytes_of(field.value), field.name.size(), field.value.size(),
             static_cast<std::uint8_t>(flags)};
  }
  return count;
}

}  // namespace tidelimit::serve
