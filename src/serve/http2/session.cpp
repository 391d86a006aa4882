#include "serve/http2/session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <nghttp2/nghttp2.h>

#include "serve/http2/nghttp2_types.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kFieldOverhead = 32;            // RFC 9113, 6.5.2
constexpr std::size_t kHeadsReadOn = 4;               // times the bound that is answered
constexpr std::int32_t kMostResets = 4000;            // that calls may have earned
constexpr std::int32_t kMostIdleFrames = 16'000;      // likewise
constexpr std::int32_t kMostLargeHeads = 100;         // likewise
constexpr Nanos kCrossing = std::chrono::seconds{1};  // for calls that cross the word of going
constexpr std::array<std::uint8_t, 8> kPing{'t', 'i', 'd', 'e', 'd', 'o', 'w', 'n'};

}  // namespace

struct Http2Session::Callbacks {
  static Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user) {
    Http2Session& self = of(user);
    switch (frame->type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_CONTINUATION:
        return 0;
      case NGHTTP2_DATA:
        if (frame->length > 0 || (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) return 0;
        break;
      case NGHTTP2_RST_STREAM:
        return self.spend(self.resets_, Excess::resets) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
      default:
        break;  // pings, settings, windows, priorities
    }
    return self.spend(self.idle_frames_, Excess::idle_frames) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_begin_headers(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
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

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                       std::uint8_t, void* user) {
    Http2Session& self = of(user);
    if (!self.count_field(name_size + value_size)) return NGHTTP2_ERR_CALLBACK_FAILURE;
    const HeadUnderway& head = self.head_;
    if (head.exchange != nullptr && head.request && head.bytes <= self.limits_.head_bytes)
      head.exchange->on_header(view(name, name_size), view(value, value_size));
    return 0;
  }

  /// nghttp2 passes over fields with bytes that must not be there; they were looked at all the
  /// same.
  static int on_invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                               std::size_t name_size, const std::uint8_t*, std::size_t value_size,
                               std::uint8_t, void* user) {
    return of(user).count_field(name_size + value_size) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
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

  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* bytes,
                     std::size_t size, void* user) {
    if (Exchange* exchange = of(user).exchange(stream)) exchange->on_data(view(bytes, size));
    return 0;
  }

  static int on_frame_send(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    const nghttp2_frame_hd& head = frame->hd;
    if (head.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR) {
      // A client can make the server reset a stream as well as it can itself.
      (void)self.spend(self.resets_, Excess::resets);
    } else if ((head.type == NGHTTP2_DATA || head.type == NGHTTP2_HEADERS) &&
               (head.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
      self.resets_.earn(1);
      self.idle_frames_.earn(4);
      // Answered before the request was whole: the rest is not wanted (RFC 9113, 8.1).
      if (nghttp2_session_get_stream_remote_close(session, head.stream_id) == 0)
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, head.stream_id,
                                        NGHTTP2_NO_ERROR);
    }
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t stream, std::uint32_t, void* user) {
    Http2Session& self = of(user);
    if (Exchange* exchange = self.exchange(stream)) self.remove(*exchange);
    return 0;
  }

  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* buffer, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source* source, void*) {
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

  static const nghttp2_session_callbacks* table() {
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
};

Http2Session::Http2Session(Application& application, const Peer& peer, bool exempt,
                           const Http2Limits& limits, const Now& now, std::function<void()> wake,
                           BlockPool* pool)
    : application_(application),
      peer_(peer),
      limits_(limits),
      now_(now),
      wake_(std::move(wake)),
      resets_(Http2Limits::kResets, kMostResets),
      idle_frames_(Http2Limits::kIdleFrames, kMostIdleFrames),
      large_heads_(Http2Limits::kLargeHeads, kMostLargeHeads),
      last_call_(now.mono) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_closed_streams(option, 1);
  // Its own bound on resets knows no calls; on_begin_frame's does.
  nghttp2_option_set_stream_reset_rate_limit(option, 1 << 30, 1 << 30);
  nghttp2_mem memory = pooled(pool);
  const int made = nghttp2_session_server_new3(&session_, Callbacks::table(), this, option,
                                               pool != nullptr ? &memory : nullptr);
  nghttp2_option_del(option);
  if (made != 0) throw std::bad_alloc();
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
       exempt ? limits.streams : Http2Limits::kUntrustedStreams},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits.head_bytes)},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  }};
  (void)nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  (void)nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, limits.window);
}

Http2Session::~Http2Session() {
  for (Exchange* exchange : live_) application_.end(*exchange);
  nghttp2_session_del(session_);
}

void Http2Session::receive(std::string_view bytes) {
  if (failed_) return;
  busy_ = true;
  const ssize_t taken = nghttp2_session_mem_recv(session_, bytes_of(bytes), bytes.size());
  busy_ = false;
  if (taken >= 0) return;
  failed_ = true;
  const bool flooded = taken == NGHTTP2_ERR_FLOODED;
  (void)nghttp2_session_terminate_session(
      session_, flooded ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_INTERNAL_ERROR);
}

void Http2Session::collect(std::string& out, std::size_t most) {
  busy_ = true;
  while (out.size() < most) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
    if (size < 0) failed_ = broken_ = true;
    if (size <= 0) break;
    out.append(view(bytes, static_cast<std::size_t>(size)));
  }
  busy_ = false;
}

bool Http2Session::deaf() const {
  return failed_ || nghttp2_session_want_read(session_) == 0;
}

bool Http2Session::over() const {
  return broken_ || (deaf() && nghttp2_session_want_write(session_) == 0);
}

/// A client that spends what it has not got is told to calm down, and not heard any further.
bool Http2Session::spend(Allowance& allowance, Excess of) {
  if (allowance.spend()) return true;
  calm(of);
  return false;
}

void Http2Session::calm(Excess of) {
  if (!failed_) application_.note_excess(of);
  failed_ = true;
  (void)nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

/// Reading on to the end of the head keeps both sides' tables alike, so that one that is too large
/// can be answered. But a field of the table is named by a byte and looked at whole, every time:
/// beyond a small multiple the connection is not worth that.
bool Http2Session::count_field(std::size_t bytes) {
  const std::size_t before = std::exchange(head_.bytes, head_.bytes + bytes + kFieldOverhead);
  if (head_.bytes <= limits_.head_bytes) return true;
  if (head_.bytes > limits_.head_bytes * kHeadsReadOn) {
    calm(Excess::header_bytes);
    return false;
  }
  return before > limits_.head_bytes || spend(large_heads_, Excess::large_heads);
}

Exchange* Http2Session::exchange(std::int32_t stream) const {
  return static_cast<Exchange*>(nghttp2_session_get_stream_user_data(session_, stream));
}

void Http2Session::remove(Exchange& exchange) {
  live_.back()->slot = exchange.slot;
  live_[exchange.slot] = live_.back();
  live_.pop_back();
  if (head_.exchange == &exchange) head_ = {};
  last_call_ = now_.mono;
  application_.end(exchange);
}

void Http2Session::respond(std::int32_t stream, std::span<const Field> fields, bool has_body) {
  std::array<nghttp2_nv, kMostFields> nv;
  const std::size_t count = to_nv(fields, nv);
  const nghttp2_data_provider body{.source = {.ptr = exchange(stream)},
                                   .read_callback = Callbacks::read_body};
  (void)nghttp2_submit_response(session_, stream, nv.data(), count, has_body ? &body : nullptr);
  stir();
}

void Http2Session::trail(std::int32_t stream, std::span<const Field> fields) {
  std::array<nghttp2_nv, kMostFields> nv;
  const std::size_t count = to_nv(fields, nv);
  (void)nghttp2_submit_trailer(session_, stream, nv.data(), count);
}

void Http2Session::resume(std::int32_t stream) {
  (void)nghttp2_session_resume_data(session_, stream);  // fails only when it was not deferred
  stir();
}

void Http2Session::reset(std::int32_t stream, Http2Error error) {
  (void)nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream,
                                  static_cast<std::uint32_t>(error));
  stir();
}

bool Http2Session::hold(std::size_t bytes) {
  if (bytes > limits_.held_bytes - std::min(held_, limits_.held_bytes)) return false;
  held_ += bytes;
  return true;
}

void Http2Session::stir() {
  if (!busy_) wake_();
}

void Http2Session::check_time() {
  resets_.refill();
  idle_frames_.refill();
  large_heads_.refill();
  const Instant now = now_.mono;
  const bool greets_late = !greeted_ && now - last_call_ > limits_.head_timeout;
  const bool head_late = head_.exchange != nullptr && now - head_.since > limits_.head_timeout;
  if (!failed_ && (greets_late || head_late)) {
    failed_ = true;
    (void)nghttp2_session_terminate_session(session_, NGHTTP2_NO_ERROR);
  }
  if (live_.empty() && now - last_call_ > limits_.idle_timeout) drain();
  if (noticed_ && now - notice_ > kCrossing) say_goodbye();
  for (Exchange* exchange : live_) exchange->check_time(now);
}

void Http2Session::drain() {
  if (noticed_) return;
  noticed_ = true;
  notice_ = now_.mono;
  (void)nghttp2_submit_shutdown_notice(session_);
  // Its answer comes behind all that the client sent before it heard.
  (void)nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, kPing.data());
  stir();
}

void Http2Session::say_goodbye() {
  if (draining_) return;
  draining_ = true;
  (void)nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                              nullptr, 0);
  for (Exchange* exchange : live_) exchange->drain();
  stir();
}

}  // namespace tidelimit::serve
