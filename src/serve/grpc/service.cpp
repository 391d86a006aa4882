#include "serve/grpc/service.hpp"

#include <array>

namespace tidelimit::serve::grpc {

std::string_view name_of(StatusCode code) {
  static constexpr std::array<std::string_view, kStatusCodes> kNames{
      "OK",
      "CANCELLED",
      "UNKNOWN",
      "INVALID_ARGUMENT",
      "DEADLINE_EXCEEDED",
      "NOT_FOUND",
      "ALREADY_EXISTS",
      "PERMISSION_DENIED",
      "RESOURCE_EXHAUSTED",
      "FAILED_PRECONDITION",
      "ABORTED",
      "OUT_OF_RANGE",
      "UNIMPLEMENTED",
      "INTERNAL",
      "UNAVAILABLE",
      "DATA_LOSS",
      "UNAUTHENTICATED",
  };
  return kNames[static_cast<std::size_t>(code)];
}

StatusCode status_code(Code code) {
  switch (code) {
    case Code::invalid_argument:
      return StatusCode::invalid_argument;
    case Code::not_found:
      return StatusCode::not_found;
    case Code::already_exists:
      return StatusCode::already_exists;
    case Code::permission_denied:
      return StatusCode::permission_denied;
    case Code::resource_exhausted:
      return StatusCode::resource_exhausted;
    case Code::failed_precondition:
      return StatusCode::failed_precondition;
    case Code::internal:
      return StatusCode::internal;
    case Code::unavailable:
      return StatusCode::unavailable;
    case Code::data_loss:
      return StatusCode::data_loss;
  }
  return StatusCode::internal;
}

Status to_status(const Error& error) {
  return {status_code(error.code), error.message};
}

Status Service::unary(int, std::string_view, const CallContext&, std::string&) {
  return {StatusCode::unimplemented, "this method is not unary"};
}

std::unique_ptr<CallHandler> Service::open(int, const CallContext&, Call&) {
  return nullptr;
}

}  // namespace tidelimit::serve::grpc
