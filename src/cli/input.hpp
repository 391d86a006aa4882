#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "cli/command_line.hpp"
#include "ingest/byte_stream.hpp"
#include "ingest/record_reader.hpp"
#include "traffic/window.hpp"

namespace tidelimit::cli {

/// The name of the source that "-" stands for.
inline constexpr const char* kStandardInput = "standard input";

/// What every command that reads INPUT takes.
struct InputOptions {
  std::vector<std::string> inputs;  ///< files, globs, "-" for standard input
  std::string format;               ///< empty: recognised by content
  std::vector<std::string> fields;  ///< NAME=PATH, for JSON
  bool strict = false;
};

/// What a command makes something of: requests alone, or ready windows as well.
enum class Takes { requests, windows_too };

/// Adds INPUT..., --format, --field and --strict to a command.
void add_input_options(Command command, InputOptions& options, Takes takes);

/// How often the inputs will be read through. What can't be read twice (standard input, a pipe) is
/// kept in an unnamed temporary file where several passes are wanted.
enum class Passes { one, several };

/// Whether requests have to come in the order of their times.
enum class Order { matters, does_not_matter };

/// The inputs of a command: found, and known to be readable files.
class Input {
 public:
  /// Expands globs (names that hold *, ? or [ and are no file themselves) and puts all inputs in
  /// the order of their times, which it says on standard error where that is another order; files
  /// that begin with their newest requests are read from the last line on. It warns of a file that
  /// is named twice, which counts twice. Errors name the input:
  /// no such file, a directory, no match, a wrong --format or --field, newest first and compressed
  /// (where the order matters).
  [[nodiscard]] static Result<Input> find(const InputOptions& options, Passes passes = Passes::one,
                                          Order order = Order::matters);

  /// Starts a pass: opens the first input and recognises its format.
  [[nodiscard]] Result<ingest::RecordReader> open() const {
    return ingest::RecordReader::open(sources_, options_);
  }

  [[nodiscard]] const std::vector<ingest::Source>& sources() const { return sources_; }
  [[nodiscard]] const ingest::ReadOptions& options() const { return options_; }

 private:
  std::vector<ingest::Source> sources_;
  ingest::ReadOptions options_;
};

/// What a person should know after reading, for standard error: unreadable lines by reason with the
/// first few, requests that no limit meets, and inputs that ended early. Empty when there is
/// nothing to say; else ends with a newline.
[[nodiscard]] std::string reading_notes(const ingest::ReadReport& report);

/// The same of ready windows: of which endpoints some have no row, or not all of the finer ones.
[[nodiscard]] std::string gap_note(const traffic::WindowGrid& windows);

/// What a person should know where more than one request in a hundred came too late, for standard
/// error; else empty. `replay` says it in its notes.
[[nodiscard]] std::string order_note(const ingest::ReadReport& report);

}  // namespace tidelimit::cli
