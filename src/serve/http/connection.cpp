#include "serve/http/connection.hpp"

#include <algorithm>

namespace tidelimit::serve {
namespace {

constexpr std::size_t kKeptCapacity = 4 << 10;  // more is given back when it is no longer used

/// What an HTTP/1.0 client without a parsed head is answered with: nothing is known of it.
constexpr ResponseWriter::Context kLastWords{.date_line = {}, .keep_alive = false};

}  // namespace

HttpConnection::HttpConnection(HttpServer& server, std::uint64_t id, Fd socket, const Peer& peer,
                               bool exempt)
    : ClientConnection(server.loop_, server.buffers_, std::move(socket), exempt,
                       server.limits_.unsent, server.limits_.unsent.bytes_of(exempt)),
      server_(server),
      id_(id),
      peer_(peer),
      exempt_(exempt),
      since_(server.loop_.now().mono) {}

HttpConnection::~HttpConnection() {
  server_.quota_.leave(client_of(peer_.address), exempt_, Wire::http);
}

void HttpConnection::leave() {
  server_.connections_.close(id_);
}

void HttpConnection::take(std::string_view received, bool resumed) {
  const Phase before = phase();
  const std::uint64_t handled = requests_;
  server_.buffers_.out.clear();
  std::string_view bytes = received;
  if (!pending_.empty()) {
    // A head ends in a line feed: without a new one there is nothing to parse again.
    const bool hopeless = !resumed && !upload_ && received.find('\n') == std::string_view::npos &&
                          pending_.size() + received.size() < Head::kMaxBytes;
    pending_.reserve(pending_.size() + received.size() + kBodyPadding);
    pending_.append(received);
    if (hopeless) return;
    bytes = pending_;
  }
  const std::size_t eaten = consume(bytes);
  if (pending_.empty()) {
    if (state_ < State::closing) pending_.assign(bytes.substr(eaten));
  } else {
    pending_.erase(0, eaten);
    if (pending_.empty() && pending_.capacity() > kKeptCapacity) pending_ = std::string();
  }
  flush();
  if (phase() != before || requests_ != handled) begin_phase();
}

std::size_t HttpConnection::consume(std::string_view bytes) {
  std::size_t eaten = 0;
  while (reading() && eaten < bytes.size()) {
    const std::string_view rest = bytes.substr(eaten);
    const std::size_t took = upload_ ? consume_body(rest) : consume_request(rest);
    if (took == 0) break;
    eaten += took;
    // Many small requests fit into one read, and their answers need not be small.
    if (server_.buffers_.out.size() > most_unread_) flush();
  }
  return eaten;
}

std::size_t HttpConnection::consume_request(std::string_view bytes) {
  if (const std::size_t empty = empty_lines(bytes); empty > 0) return empty;
  Head& head = server_.buffers_.head;
  Refusal refusal;
  switch (parse_head(bytes, head, refusal)) {
    case Parse::incomplete:
      return 0;
    case Parse::refused:
      refuse(refusal);
      return 0;
    case Parse::complete:
      break;
  }
  const std::uint64_t length = head.content_length.value_or(0);
  if (!head.chunked && length <= bytes.size() - head.size) {
    if (length > 0 && length > server_.handler_.body_limit(head)) {
      refuse({413, "the body is larger than this call takes"});
      return 0;
    }
    dispatch(head, bytes.substr(head.size, static_cast<std::size_t>(length)));
    return head.size + static_cast<std::size_t>(length);
  }
  if (const auto refused = server_.handler_.refuse_early(head, peer_)) {
    ResponseWriter::Context how = context(head);
    how.keep_alive = false;
    end_with(*refused, how);
    return 0;
  }
  const std::size_t limit = server_.handler_.body_limit(head);
  if (length > limit) {
    refuse({413, "the body is larger than this call takes"});
    return 0;
  }
  begin_upload(head, bytes, limit);
  return head.size;
}

void HttpConnection::begin_upload(const Head& head, std::string_view bytes, std::size_t limit) {
  upload_ = std::make_unique<Upload>(server_.limits_.bodies);
  upload_->head.assign(bytes.substr(0, head.size));
  upload_->left = head.content_length.value_or(0);
  upload_->chunked = head.chunked;
  upload_->limit = limit;
  // Not yet in memory where it has not come; what has is not copied as it grows.
  upload_->body.bytes.reserve(upload_->left + kBodyPadding);
  if (head.expects_continue && bytes.size() == head.size)
    server_.buffers_.out.append("HTTP/1.1 100 Continue\r\n\r\n");
}

std::size_t HttpConnection::Upload::take(std::string_view bytes) {
  if (chunked) return decoder.feed(bytes, body.bytes, limit);
  const auto took = static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size()));
  body.bytes.append(bytes.substr(0, took));
  left -= took;
  return took;
}

std::size_t HttpConnection::consume_body(std::string_view bytes) {
  const std::size_t took = upload_->take(bytes);
  if (upload_->decoder.bad()) {
    refuse(*upload_->decoder.bad());
    return took;
  }
  if (!upload_->body.count()) {
    refuse({503, "too many bodies are kept already; send it again in a while"});
    return took;
  }
  if (!upload_->whole()) return took;
  const std::unique_ptr<Upload> whole = std::move(upload_);
  HeldBody& body = whole->body;
  body.bytes.reserve(body.bytes.size() + kBodyPadding);
  Refusal refusal;
  Head& head = server_.buffers_.head;
  if (parse_head(whole->head, head, refusal) == Parse::complete) {
    dispatch(head, body.bytes, &body);
  } else {
    refuse(refusal);  // can't happen: these bytes were parsed before
  }
  return took;
}

ResponseWriter::Context HttpConnection::context(const Head& head) {
  return {.date_line = server_.buffers_.date.at(server_.loop_.now().wall),
          .http_1_1 = head.http_1_1,
          .keep_alive = head.keep_alive && !server_.draining_,
          .head_only = head.method == "HEAD"};
}

void HttpConnection::dispatch(const Head& head, std::string_view body, HeldBody* held) {
  ++requests_;
  const ResponseWriter::Context how = context(head);
  ResponseWriter response(server_.buffers_.out, how);
  const std::function<Reply()> later = [this] { return make_reply(); };
  const Request request{head, body, peer_, server_.loop_.now(), later, held, client_gone()};
  if (server_.handler_.handle(request, response) == Handling::later) {
    state_ = State::waiting;
    waiting_context_ = how;
  } else if (!response.keep_alive()) {
    state_ = State::closing;
  }
}

Reply HttpConnection::make_reply() {
  waits_ = std::make_shared<const bool>(true);
  return {
      [loop = &server_.loop_, server = &server_, id = id_, request = requests_](Response answer) {
        loop->post([server, id, request, answer = std::move(answer)] {
          if (HttpConnection* connection = server->connections_.find(id))
            connection->answer(request, answer);
        });
      },
      waits_};
}

void HttpConnection::answer(std::uint64_t request, const Response& response) {
  if (state_ != State::waiting || request != requests_) return;
  waits_.reset();
  server_.buffers_.out.clear();
  waiting_context_.date_line = server_.buffers_.date.at(server_.loop_.now().wall);
  waiting_context_.keep_alive = waiting_context_.keep_alive && !server_.draining_;
  ResponseWriter(server_.buffers_.out, waiting_context_).send(response);
  state_ = waiting_context_.keep_alive ? State::open : State::closing;
  flush();
  begin_phase();
  resume();
  read();
  settle();
}

/// Goes on with requests that stood behind an answer or a client that did not read.
void HttpConnection::resume() {
  if (reading()) take({}, true);
}

void HttpConnection::on_all_sent() {
  begin_phase();
  resume();
}

void HttpConnection::refuse(const Refusal& refusal) {
  ResponseWriter::Context how = kLastWords;
  how.date_line = server_.buffers_.date.at(server_.loop_.now().wall);
  server_.buffers_.refusals.add(refusal.status);
  Response response = problem(refusal.status, refusal.why);
  if (refusal.status == 503) response.fields = "Retry-After: 1\r\n";
  end_with(response, how);
}

/// The last answer: what still comes is discarded.
void HttpConnection::end_with(const Response& response, const ResponseWriter::Context& how) {
  ResponseWriter(server_.buffers_.out, how).send(response);
  state_ = State::lingering;
  upload_.reset();
}

void HttpConnection::flush() {
  send(server_.buffers_.out);
  server_.buffers_.out.clear();
}

HttpConnection::Phase HttpConnection::phase() const {
  if (state_ == State::waiting) return Phase::waiting;
  if (upload_) return Phase::body;
  return pending_.empty() || pending_ == kHalfLine ? Phase::idle : Phase::head;
}

void HttpConnection::check_time(Instant now) {
  if (late(now)) state_ = State::gone;
  if (dead()) return settle();
  if (!all_sent() || state_ >= State::closing) return;
  const HttpLimits& limits = server_.limits_;
  const Phase busy = phase();
  const Nanos allowed = busy == Phase::idle   ? limits.idle_timeout
                        : busy == Phase::head ? limits.head_timeout
                        : busy == Phase::body ? HttpLimits::kBodyTimeout
                                              : limits.wait_timeout;
  if (now - since_ < allowed) return;
  // What is answered is let go of once the answer can have been read.
  server_.buffers_.out.clear();
  if (busy == Phase::head || busy == Phase::body) {
    refuse({408, "the request took too long to arrive"});
    flush();
  } else if (busy == Phase::waiting) {
    waits_.reset();
    refuse({503,
            "no answer in time: calls before it take long, or the control plane hangs, which "
            "/readyz?verbose says; what is being done already may still take effect"});
    flush();
  } else {
    state_ = State::gone;
  }
  settle();
}

bool HttpConnection::idle() const {
  return state_ == State::open && all_sent() && phase() == Phase::idle;
}

void HttpConnection::drain() {
  // A request that came before the word is still answered; closing over it would reset the
  // connection.
  read();
  settle();
}

void HttpConnection::on_turn_end() {
  // Of a client that has sent its last, whole requests may stand behind answers that it reads
  // slowly.
  if (read_out()) resume();
  if ((read_out() && reading()) || (server_.draining_ && idle())) state_ = State::closing;
}

}  // namespace tidelimit::serve
