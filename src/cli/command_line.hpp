#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tidelimit::cli {

/// Options and commands, which CLI11 reads and explains. Its headers make code in each file that
/// includes them, which takes a compiler as long as a command's own five times over; so one file
/// does. The names are CLI11's.

/// One option or positional argument, to be described further.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option required() const;
  Option type_name(const std::string& name) const;  ///< what the help calls its value
  Option capture_default_str() const;               ///< the help shows the target's present value
  Option one_value_each() const;  ///< a list's values have the option's name before each
  Option excludes(const Option& other) const;
  Option needs(const Option& other) const;
  Option among(const std::vector<std::string>& words) const;
  /// Of int, unsigned or double.
  template <class Number>
  Option between(Number low, Number high) const;

 private:
  CLI::Option* option_;
};

/// One command. A handle: the tree that it is part of must outlive it, as must all targets.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  [[nodiscard]] Command add_subcommand(const std::string& name, const std::string& text) const;
  /// `names`: "-o,--output", or a positional argument's. Of std::string, a list of them, int,
  /// unsigned, std::uint16_t, std::uint64_t or double. A text that is empty is refused.
  template <class T>
  Option add_option(const std::string& names, T& target, const std::string& text) const;
  Option add_flag(const std::string& names, bool& target, const std::string& text) const;
  /// Called when the command was chosen and all of its options are read.
  void callback(std::function<void()> run) const;

 private:
  CLI::App* app_;
};

/// The tree of commands of a program.
class CommandLine {
 public:
  CommandLine();
  /// As a person meets it: --help, --version, one command at least.
  CommandLine(const std::string& name, const std::string& text, const std::string& version,
              const std::string& footer);
  ~CommandLine();

  [[nodiscard]] Command root() const;
  [[nodiscard]] std::vector<std::string> commands() const;
  /// Runs the command that was chosen. Whether what was said could be read; what is wrong, and the
  /// help that was asked for, is printed.
  [[nodiscard]] bool parse(int argc, const char* const* argv) const;
  [[nodiscard]] bool parse(const std::vector<std::string>& words) const;

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace tidelimit::cli
