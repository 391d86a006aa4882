#include "cli/command.hpp"

namespace tidelimit::cli {
namespace {

int exit_status(Code code) {
  switch (code) {
    case Code::invalid_argument:
    case Code::not_found:
    case Code::already_exists:
    case Code::permission_denied:
    case Code::failed_precondition:
      return kUsage;
    case Code::resource_exhausted:
    case Code::internal:
    case Code::unavailable:
    case Code::data_loss:
      return kFailed;
  }
  return kFailed;
}

}  // namespace

void print(const std::string& text, std::FILE* where) {
  std::fwrite(text.data(), 1, text.size(), where);
}

int exit_with(const std::string& command, const Error& error) {
  print("tidelimit " + command + ": " + error.message + "\n", stderr);
  return exit_status(error.code);
}

}  // namespace tidelimit::cli
