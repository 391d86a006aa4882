#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace tidelimit {

/// What kind of failure the world handed us; the numbers and meanings mirror gRPC's status codes,
/// so that `serve/` maps them in one function.
enum class Code {
  invalid_argument = 3,  ///< the input is wrong whatever the state: bad syntax, bad unit, bad range
  not_found = 5,         ///< the named file, client, model or key does not exist
  already_exists = 6,    ///< creating what is there already
  permission_denied = 7,   ///< the caller or process may not do this
  resource_exhausted = 8,  ///< a bound is reached: size, count, disk
  failed_precondition =
      9,             ///< the input is fine, the state is not: wrong format version, port in use
  internal = 13,     ///< a library failed in a way that should not happen
  unavailable = 14,  ///< try again later: a peer or a device does not answer
  data_loss = 15,    ///< stored bytes are damaged: bad checksum, truncated file
};

/// A failure of the world: a sentence for a person that names the place and the mend.
struct Error {
  Code code = Code::internal;
  std::string message;
};

/// A value or an Error. `tl::expected` has the interface of C++23's `std::expected`. Functions that
/// return it are marked [[nodiscard]].
template <class T>
using Result = tl::expected<T, Error>;

/// `return fail(Code::not_found, "...")` in a function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(Code code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

/// The same error with "context: " before its message. Added once, where the thing's name is known.
[[nodiscard]] inline tl::unexpected<Error> fail_in(std::string_view context, Error error) {
  error.message.insert(0, std::string(context) + ": ");
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace tidelimit
