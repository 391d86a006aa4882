#pragma once

#include <nghttp2/nghttp2.h>

#include "serve/http2/session.hpp"

namespace tidelimit::serve {

/// What nghttp2 calls as it reads and writes frames; `user` is the session.
struct Http2Session::Callbacks {
  /// All of them, for a new session.
  static const nghttp2_session_callbacks* table();
  /// The body of an answer; the source is its Exchange.
  static ssize_t read_body(nghttp2_session*, std::int32_t stream, std::uint8_t* buffer,
                           std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                           void* user);

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user);
  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t flags, void* user);
  /// nghttp2 passes over fields with bytes that must not be there; they were looked at all the
  /// same.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                               std::size_t name_size, const std::uint8_t* value,
                               std::size_t value_size, std::uint8_t flags, void* user);
  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int on_data(nghttp2_session*, std::uint8_t flags, std::int32_t stream,
                     const std::uint8_t* bytes, std::size_t size, void* user);
  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user);
  static int on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t error,
                             void* user);
};

}  // namespace tidelimit::serve
