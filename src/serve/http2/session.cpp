#include "serve/http2/session.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "serve/http2/nghttp2_types.hpp"
#include "serve/http2/session_callbacks.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kFieldOverhead = 32;            // RFC 9113, 6.5.2
constexpr std::size_t kHeadsReadOn = 4;               // times the bound that is answered
constexpr Nanos kCrossing = std::chrono::seconds{1};  // for calls that cross the word of going
constexpr std::array<std::uint8_t, 8> kPing{'t', 'i', 'd', 'e', 'd', 'o', 'w', 'n'};

}  // namespace

Http2Session::Http2Session(Application& application, const Peer& peer, bool exempt,
                           const Http2Limits& limits, const Now& now, std::function<void()> wake,
                           BlockPool* pool)
    : application_(application),
      peer_(peer),
      limits_(limits),
      now_(now),
      wake_(std::move(wake)),
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
  if (taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) return calm(Flood::continuations);
  if (taken == NGHTTP2_ERR_FLOODED) return calm(Flood::idle_frames);
  failed_ = true;
  (void)nghttp2_session_terminate_session(session_, NGHTTP2_INTERNAL_ERROR);
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

bool Http2Session::spend(Flood of) {
  if (floods_.spend(of)) return true;
  calm(of);
  return false;
}

/// A client that spends what it has not got is told to calm down, and not heard any further.
void Http2Session::calm(Flood of) {
  if (!failed_) application_.note_flood(of);
  failed_ = true;
  (void)nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
}

/// Reading on to the end of the head keeps both sides' tables alike, so that one that is too large
/// can be answered. But a field of the table is named by a byte and looked at whole, every time:
/// beyond a small multiple the connection is not worth that.
bool Http2Session::count_field(std::size_t bytes) {
  const std::size_t before = std::exchange(head_.bytes, head_.bytes + bytes + kFieldOverhead);
  if (head_.bytes <= limits_.head_bytes) return true;
  if (head_.bytes > limits_.head_bytes * kHeadsReadOn) return spend(Flood::header_bytes);
  return before > limits_.head_bytes || spend(Flood::large_heads);
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
  floods_.refill();
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
