#include "serve/http2/session_callbacks.hpp"

#include <new>
#include <utility>

#include "serve/http2/nghttp2_types.hpp"

namespace tidelimit::serve {
namespace {

Http2Session& of(void* user) {
  return *static_cast<Http2Session*>(user);
}

}  // namespace

int Http2Session::Callbacks::on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame,
                                            void* user) {
  Http2Session& self = of(user);
  switch (frame->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
      return 0;
    case NGHTTP2_DATA:
      if (frame->length > 0 || (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) return 0;
      break;
    case NGHTTP2_RST_STREAM:
      return self.spend(Flood::resets) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
    default:
      break;  // pings, settings, windows, priorities
  }
  return self.spend(Flood::idle_frames) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Http2Session::Callbacks::on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame,
                                              void* user) {
  Http2Session& self = of(user);
  const std::int32_t stream = frame->hd.stream_id;
  const bool request = frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  if (request) {
    Exchange& exchange = self.application_.begin(self, stream);
    exchange.slot = self.live_.size();
    self.live_.push_back(&exchange);
    self.last_call_ = self.now_.mono;
    (void)nghttp2_session_set_stream_user_data(session, stream, &exchange);
  }
  self.head_ = {self.exchange(stream), 0, request, self.now_.mono};
  return 0;
}

int Http2Session::Callbacks::on_header(nghttp2_session*, const nghttp2_frame*,
                                       const std::uint8_t* name, std::size_t name_size,
                                       const std::uint8_t* value, std::size_t value_size,
                                       std::uint8_t, void* user) {
  Http2Session& self = of(user);
  if (!self.count_field(name_size + value_size)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  const HeadUnderway& head = self.head_;
  if (head.exchange != nullptr && head.request && head.bytes <= self.limits_.head_bytes)
    head.exchange->on_header(view(name, name_size), view(value, value_size));
  return 0;
}

int Http2Session::Callbacks::on_invalid_header(nghttp2_session*, const nghttp2_frame*,
                                               const std::uint8_t*, std::size_t name_size,
                                               const std::uint8_t*, std::size_t value_size,
                                               std::uint8_t, void* user) {
  return of(user).count_field(name_size + value_size) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Http2Session::Callbacks::on_frame_recv(nghttp2_session*, const nghttp2_frame* frame,
                                           void* user) {
  Http2Session& self = of(user);
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS: {
      const HeadUnderway head = std::exchange(self.head_, {});
      if (head.exchange == nullptr) return 0;
      if (head.request) head.exchange->on_head(head.bytes > self.limits_.head_bytes);
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) head.exchange->on_end();
      return 0;
    }
    case NGHTTP2_DATA:
      if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
      if (Exchange* exchange = self.exchange(frame->hd.stream_id)) exchange->on_end();
      return 0;
    case NGHTTP2_SETTINGS:
      self.greeted_ = true;
      return 0;
    case NGHTTP2_PING:
      if ((frame->hd.flags & NGHTTP2_FLAG_ACK) != 0 && self.noticed_) self.say_goodbye();
      return 0;
    default:
      return 0;
  }
}

int Http2Session::Callbacks::on_data(nghttp2_session*, std::uint8_t, std::int32_t stream,
                                     const std::uint8_t* bytes, std::size_t size, void* user) {
  if (Exchange* exchange = of(user).exchange(stream)) exchange->on_data(view(bytes, size));
  return 0;
}

int Http2Session::Callbacks::on_frame_send(nghttp2_session* session, const nghttp2_frame* frame,
                                           void* user) {
  Http2Session& self = of(user);
  const nghttp2_frame_hd& head = frame->hd;
  if (head.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
    // A client can make the server reset a stream as well as it can itself.
    (void)self.spend(Flood::resets);
    return 0;
  }
  if (head.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_RESPONSE)
    self.floods_.answer_begins();
  if ((head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS) &&
      (head.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
    // Answered before the request was whole: the rest is not wanted (RFC 9113, 8.1).
    if (nghttp2_session_get_stream_remote_close(session, head.stream_id) == 0)
      (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, head.stream_id, NGHTTP2_NO_ERROR);
  }
  return 0;
}

int Http2Session::Callbacks::on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t,
                                             void* user) {
  Http2Session& self = of(user);
  if (Exchange* exchange = self.exchange(stream)) self.remove(*exchange);
  return 0;
}

ssize_t Http2Session::Callbacks::read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer,
                                           std::size_t size, std::uint32_t* flags,
                                           nghttp2_data_source* source, void*) {
  auto& exchange = *static_cast<Exchange*>(source->ptr);
  const Produced produced = exchange.produce(reinterpret_cast<char*>(buffer), size);
  switch (produced.next) {
    case Produced::Next::more:
      break;
    case Produced::Next::later:
      if (produced.size == 0) return NGHTTP2_ERR_DEFERRED;
      break;
    case Produced::Next::end:
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      break;
  }
  return static_cast<ssize_t>(produced.size);
}

const nghttp2_session_callbacks* Http2Session::Callbacks::table() {
  static const nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* callbacks = nullptr;
    if (nghttp2_session_callbacks_new(&callbacks) != 0) throw std::bad_alloc();
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    return callbacks;
  }();
  return made;
}

}  // namespace tidelimit::serve
