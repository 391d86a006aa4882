#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "serve/grpc/service.hpp"
#include "serve/grpc/service_table.hpp"
#include "serve/grpc/wire.hpp"
#include "serve/http2/session.hpp"

namespace tidelimit::serve::grpc {

/// One gRPC call on one HTTP/2 stream. Used again and again: `start` .. `stop`, as often as wanted,
/// so that its buffers need no allocation in the steady state.
class ServerCall final : public Exchange, public Call {
 public:
  explicit ServerCall(ServiceTable& front) : table_(front) {}

  void start(Http2Session& session, std::int32_t stream);
  void stop();

  void on_header(std::string_view name, std::string_view value) override;
  void on_head(bool too_large) override;
  void on_data(std::string_view bytes) override;
  void on_end() override;
  Produced produce(char* into, std::size_t size) override;
  void check_time(Instant now) override;
  void drain() override;

  bool send(std::string_view message) override;
  void finish(const Status& status) override;

 private:
  /// What the head says, read as it arrives.
  struct Head {
    ServiceTable::Route route;
    std::string missing;  ///< what there is no such of, when there is no route
    std::optional<Nanos> timeout;
    bool has_path = false;
    bool post = false;
    bool grpc = false;
    bool bad_timeout = false;
    bool encoded = false;  ///< its messages may be compressed
  };

  [[nodiscard]] CallContext context() const;
  void read_messages(std::string_view bytes);
  void take_message(std::string_view message);
  void answer_unary();
  template <class Work>
  void run_handler(Work&& work);
  void refuse_http(int status);
  void send_status_alone(const Status& status);
  void begin_answer();
  void keep_count();
  void count_end(StatusCode code);

  ServiceTable& table_;
  Http2Session* session_ = nullptr;
  std::int32_t stream_ = 0;
  Head head_;
  MessageReader reader_;
  std::string request_;  ///< of a unary call, until the client has sent it all
  std::string out_;      ///< framed messages to be sent, from `sent_`
  std::size_t sent_ = 0;
  std::size_t counted_ = 0;  ///< bytes that the session counts for this call
  std::unique_ptr<CallHandler> handler_;
  Status status_;
  Instant began_;
  Instant moved_;  ///< when the client last read some of the answer
  std::optional<Instant> deadline_;
  bool has_head_ = false;
  bool has_request_ = false;  ///< a unary call's one message has come
  bool ended_ = false;        ///< the client has sent it all
  bool answering_ = false;    ///< the answer's head is sent
  bool waiting_ = false;      ///< the session was told that nothing is there
  bool finished_ = false;     ///< `status_` is how it ended
  bool calling_ = false;      ///< in the handler, which must not go now
};

}  // namespace tidelimit::serve::grpc
