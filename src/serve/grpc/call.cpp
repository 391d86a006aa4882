#include "serve/grpc/call.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <spdlog/spdlog.h>

namespace tidelimit::serve::grpc {
namespace {

constexpr std::size_t kMostUnread = 256 << 10;   // of one streaming call's answer
constexpr std::size_t kKeptCapacity = 16 << 10;  // more is given back between calls

constexpr Field kStatus200{":status", "200", true};
constexpr Field kContentType{"content-type", "application/grpc", true};
constexpr Field kAcceptEncoding{"grpc-accept-encoding", "identity", true};
constexpr std::array<Field, 2> kHead{kStatus200, kContentType};
constexpr std::array<std::string_view, 17> kCodes{"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                                  "9", "10", "11", "12", "13", "14", "15", "16"};

Field status_field(StatusCode code) {
  return {"grpc-status", kCodes[static_cast<std::size_t>(code)], true};
}

void reuse(std::string& text) {
  if (text.capacity() > kKeptCapacity) text = std::string();
  text.clear();
}

/// Runs a service; what a library throws ends the call, never the process.
template <class Work>
Status guarded(Work&& work) {
  try {
    return work();
  } catch (const std::exception& fault) {
    spdlog::error("a gRPC call failed: {}", fault.what());
    // Envoy goes by its own failure mode then, as it should.
    return {StatusCode::unavailable, "the call failed; the log says why"};
  }
}

/// Why a call ends whose next message can't be read. `encoded`: it said that they may be
/// compressed.
Status refusal(MessageReader::Step step, bool encoded) {
  switch (step) {
    case MessageReader::Step::too_large:
      return {StatusCode::resource_exhausted, "the message is larger than this method takes"};
    case MessageReader::Step::compressed:
      if (!encoded)
        return {StatusCode::internal, "a message is compressed, but grpc-encoding names no way"};
      return {StatusCode::unimplemented, "compressed messages are not taken: send identity"};
    default:
      return {StatusCode::internal, "a message begins with a flag that is neither 0 nor 1"};
  }
}

}  // namespace

void ServerCall::start(Http2Session& session, std::int32_t stream) {
  session_ = &session;
  stream_ = stream;
  began_ = moved_ = session.now().mono;
}

void ServerCall::stop() {
  if (has_head_ && !finished_) count_end(StatusCode::cancelled);
  handler_.reset();
  reader_.clear();
  reuse(request_);
  reuse(out_);
  keep_count();
  session_ = nullptr;
  head_.route = {};
  head_.missing.clear();
  head_.timeout.reset();
  head_.has_path = head_.post = head_.grpc = head_.bad_timeout = head_.encoded = false;
  sent_ = 0;
  status_.code = StatusCode::ok;
  status_.message.clear();
  deadline_.reset();
  has_head_ = has_request_ = ended_ = answering_ = waiting_ = finished_ = calling_ = false;
}

CallContext ServerCall::context() const {
  return {.peer = session_->peer(), .now = session_->now(), .deadline = deadline_};
}

void ServerCall::on_header(std::string_view name, std::string_view value) {
  // `te` is not asked for: a proxy that drops trailers would show by other signs, and callers that
  // leave it out are served by other servers too. What is neither absent nor "trailers" is refused
  // below, by HTTP/2 itself.
  if (name == ":path") {
    head_.has_path = true;
    head_.route = table_.find(value, head_.missing);
  } else if (name == ":method") {
    head_.post = value == "POST";
  } else if (name == "content-type") {
    head_.grpc = is_grpc_content_type(value);
  } else if (name == "grpc-timeout") {
    head_.timeout = parse_timeout(value);
    head_.bad_timeout = !head_.timeout;
  } else if (name == "grpc-encoding") {
    head_.encoded = value != "identity";
  }
}

void ServerCall::on_head(bool too_large) {
  has_head_ = true;
  if (too_large) return refuse_http(431);
  if (!head_.post) return refuse_http(405);
  if (!head_.grpc) return refuse_http(415);
  Service* const service = head_.route.service;
  if (service == nullptr) return finish({StatusCode::unimplemented, head_.missing});
  if (!service->open_to_all() && !table_.trusts(session_->peer()))
    return finish(
        {StatusCode::permission_denied, "this caller is not one of identity.trusted_proxies"});
  if (head_.bad_timeout)
    return finish({StatusCode::internal, "grpc-timeout is no number with a unit of HMSmun"});
  if (head_.timeout) {
    if (*head_.timeout <= Nanos{0})
      return finish({StatusCode::deadline_exceeded, "the deadline had passed when the call came"});
    deadline_ = session_->now().mono + *head_.timeout;
  }
  if (head_.route.method.kind == MethodKind::unary) return;
  run_handler([&] { handler_ = service->open(head_.route.method.id, context(), *this); });
  if (!handler_ && !finished_) finish({StatusCode::unimplemented, "this method is not served"});
}

/// Calls the handler, which goes only when it has returned.
template <class Work>
void ServerCall::run_handler(Work&& work) {
  calling_ = true;
  const Status status = guarded([&] {
    work();
    return Status{};
  });
  calling_ = false;
  if (!status.ok()) finish(status);
  if (finished_) handler_.reset();
}

void ServerCall::on_data(std::string_view bytes) {
  if (finished_) return;
  read_messages(bytes);
  keep_count();
}

/// Makes the session's count of what is kept until the request is whole true again.
void ServerCall::keep_count() {
  const std::size_t kept = reader_.kept() + request_.size();
  if (kept < counted_) {
    session_->let_go(counted_ - kept);
  } else if (kept > counted_ && !session_->hold(kept - counted_)) {
    reader_.clear();
    reuse(request_);
    session_->let_go(counted_);
    counted_ = 0;
    return finish(
        {StatusCode::resource_exhausted, "too many messages of this connection are not whole"});
  }
  counted_ = kept;
}

void ServerCall::read_messages(std::string_view bytes) {
  const std::size_t limit = head_.route.service->message_limit();
  while (!finished_) {
    const MessageReader::Step step = reader_.read(bytes, limit);
    if (step == MessageReader::Step::starved) return;
    if (step != MessageReader::Step::message) return finish(refusal(step, head_.encoded));
    take_message(reader_.message());
  }
  reader_.clear();
}

void ServerCall::take_message(std::string_view message) {
  if (!handler_) {
    if (has_request_)
      return finish({StatusCode::internal, "a unary call has one message, not more"});
    has_request_ = true;
    request_.assign(message);  // the client may still take it back: it has not ended the call yet
    return;
  }
  run_handler([&] { handler_->on_message(message, context()); });
}

void ServerCall::on_end() {
  ended_ = true;
  if (finished_) return;
  if (!reader_.between())
    return finish({StatusCode::internal, "the call ends in the middle of a message"});
  if (!handler_) {
    if (!has_request_)
      return finish({StatusCode::internal, "a unary call has one message, not none"});
    return answer_unary();
  }
  run_handler([&] { handler_->on_end(context()); });
}

void ServerCall::answer_unary() {
  if (deadline_ && *deadline_ <= session_->now().mono)
    return finish(
        {StatusCode::deadline_exceeded, "the deadline passed before the request was whole"});
  const std::size_t at = begin_message(out_);
  const Status status = guarded(
      [&] { return head_.route.service->unary(head_.route.method.id, request_, context(), out_); });
  if (!status.ok()) {
    out_.clear();
    return finish(status);
  }
  end_message(out_, at);
  finished_ = true;
  count_end(StatusCode::ok);
  begin_answer();
}

void ServerCall::finish(const Status& status) {
  if (finished_ || session_ == nullptr) return;
  finished_ = true;
  status_ = status;
  count_end(status.code);
  if (!answering_ && out_.empty()) {
    send_status_alone(status_);
  } else if (!answering_) {
    begin_answer();
  } else if (waiting_) {
    waiting_ = false;
    session_->resume(stream_);
  }
  if (!calling_) handler_.reset();
}

/// Trailers-Only: head and end in one frame.
void ServerCall::send_status_alone(const Status& status) {
  answering_ = true;
  moved_ = session_->now().mono;
  std::string message;
  append_percent_encoded(message, status.message);
  std::array<Field, 5> fields{kStatus200, kContentType, status_field(status.code)};
  std::size_t count = 3;
  if (!message.empty()) fields[count++] = {"grpc-message", message};
  if (head_.encoded) fields[count++] = kAcceptEncoding;
  session_->respond(stream_, std::span(fields).first(count), false);
}

/// What is no gRPC call is answered in HTTP's words.
void ServerCall::refuse_http(int status) {
  table_.refusals().add(status);
  finished_ = answering_ = true;
  moved_ = session_->now().mono;
  const std::string digits = std::to_string(status);
  std::array<Field, 2> fields{Field{":status", digits}};
  std::size_t count = 1;
  if (status == 405) fields[count++] = {"allow", "POST", true};
  session_->respond(stream_, std::span(fields).first(count), false);
}

void ServerCall::begin_answer() {
  answering_ = true;
  moved_ = session_->now().mono;
  session_->respond(stream_, kHead, true);
}

bool ServerCall::send(std::string_view message) {
  if (finished_ || session_ == nullptr) return false;
  if (out_.size() - sent_ + message.size() > kMostUnread) return false;
  const std::size_t at = begin_message(out_);
  out_.append(message);
  end_message(out_, at);
  if (!answering_) {
    begin_answer();
  } else if (waiting_) {
    waiting_ = false;
    moved_ = session_->now().mono;
    session_->resume(stream_);
  }
  return true;
}

Produced ServerCall::produce(char* into, std::size_t size) {
  const std::size_t now = std::min(size, out_.size() - sent_);
  std::memcpy(into, out_.data() + sent_, now);
  sent_ += now;
  moved_ = session_->now().mono;
  if (sent_ < out_.size()) return {now, Produced::Next::more};
  out_.clear();
  sent_ = 0;
  if (!finished_) {
    waiting_ = now == 0;
    return {now, Produced::Next::later};
  }
  std::string message;
  append_percent_encoded(message, status_.message);
  const std::array<Field, 2> fields{status_field(status_.code), Field{"grpc-message", message}};
  session_->trail(stream_, std::span(fields).first(message.empty() ? 1 : 2));
  return {now, Produced::Next::end};
}

void ServerCall::check_time(Instant now) {
  if (finished_) {
    // Answered, but the client gives no room to send it.
    if (now - moved_ > session_->limits().unsent.timeout)
      session_->reset(stream_, Http2Error::cancel);
    return;
  }
  if (!has_head_) return;  // the session's to watch
  if (deadline_ && *deadline_ <= now)
    return finish({StatusCode::deadline_exceeded, "the deadline passed"});
  if (!handler_ && now - began_ > Http2Limits::kBodyTimeout)
    return finish({StatusCode::deadline_exceeded, "the request took too long to arrive"});
  if (sent_ < out_.size() && now - moved_ > session_->limits().unsent.timeout)
    session_->reset(stream_, Http2Error::cancel);
}

void ServerCall::drain() {
  if (handler_ && !finished_) finish({StatusCode::unavailable, "this server is about to stop"});
}

void ServerCall::count_end(StatusCode code) {
  CallCounts* const counts = head_.route.ended;
  (counts != nullptr ? *counts : table_.unrouted()).add(code);
}

}  // namespace tidelimit::serve::grpc
