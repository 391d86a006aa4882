#include "cli/command_line.hpp"

#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <type_traits>

#include <CLI/CLI.hpp>

#include "base/text.hpp"

namespace tidelimit::cli {
namespace {

/// Whether it was read, or its help asked for.
template <class Read>
bool done(const CLI::App& app, const Read& read) {
  try {
    read();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0;
  }
  return true;
}

/// CLI11 wraps what does not fit around: -1 would be the largest number, and 2^64 zero.
template <class Number>
CLI::Validator whole_number() {
  static constexpr std::uint64_t kMost = std::numeric_limits<Number>::max();
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        const auto number = parse_uint(text);
        if (number && *number <= kMost) return {};
        return fmt::format("\"{}\" is no whole number from 0 to {}", printable(text, 40), kMost);
      },
      "");
}

CLI::Validator any_number() {
  return CLI::Validator(
      [](const std::string& text) {
        return parse_double(text) ? std::string()
                                  : fmt::format("\"{}\" is no number; write one such as 30 or 0.5",
                                                printable(text, 40));
      },
      "");
}

/// A script whose variable is not set means to say something, and would be taken to say nothing.
CLI::Validator not_empty() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.empty() ? std::string("is empty; give a value, or leave it out")
                            : std::string();
      },
      "");
}

}  // namespace

Option Option::required() const {
  return Option(*option_->required());
}

Option Option::type_name(const std::string& name) const {
  return Option(*option_->type_name(name));
}

Option Option::capture_default_str() const {
  return Option(*option_->capture_default_str());
}

Option Option::one_value_each() const {
  return Option(*option_->allow_extra_args(false));
}

Option Option::excludes(const Option& other) const {
  return Option(*option_->excludes(other.option_));
}

Option Option::needs(const Option& other) const {
  return Option(*option_->needs(other.option_));
}

Option Option::among(const std::vector<std::string>& words) const {
  return Option(*option_->check(CLI::IsMember(words)));
}

template <class Number>
Option Option::between(Number low, Number high) const {
  return Option(*option_->check(CLI::Range(low, high)));
}
template Option Option::between(int, int) const;
template Option Option::between(unsigned, unsigned) const;
template Option Option::between(double, double) const;

Command Command::add_subcommand(const std::string& name, const std::string& text) const {
  return Command(*app_->add_subcommand(name, text));
}

template <class T>
Option Command::add_option(const std::string& names, T& target, const std::string& text) const {
  CLI::Option* option = app_->add_option(names, target, text);
  if constexpr (std::is_unsigned_v<T>) option->check(whole_number<T>());
  if constexpr (std::is_floating_point_v<T>) option->check(any_number());
  if constexpr (!std::is_arithmetic_v<T>) option->check(not_empty());
  return Option(*option);
}
template Option Command::add_option(const std::string&, std::string&, const std::string&) const;
template Option Command::add_option(const std::string&, std::vector<std::string>&,
                                    const std::string&) const;
template Option Command::add_option(const std::string&, int&, const std::string&) const;
template Option Command::add_option(const std::string&, unsigned&, const std::string&) const;
template Option Command::add_option(const std::string&, std::uint16_t&, const std::string&) const;
template Option Command::add_option(const std::string&, std::uint64_t&, const std::string&) const;
template Option Command::add_option(const std::string&, double&, const std::string&) const;

Option Command::add_flag(const std::string& names, bool& target, const std::string& text) const {
  return Option(*app_->add_flag(names, target, text));
}

void Command::callback(std::function<void()> run) const {
  app_->callback(std::move(run));
}

CommandLine::CommandLine() : app_(std::make_unique<CLI::App>()) {}

CommandLine::CommandLine(const std::string& name, const std::string& text,
                         const std::string& version, const std::string& footer)
    : app_(std::make_unique<CLI::App>(text)) {
  app_->name(name);
  app_->set_version_flag("--version", version);
  app_->set_help_flag("-h,--help", "Explains this command");
  app_->require_subcommand(1);
  app_->footer(footer);
}

CommandLine::~CommandLine() = default;

Command CommandLine::root() const {
  return Command(*app_);
}

std::vector<std::string> CommandLine::commands() const {
  std::vector<std::string> names;
  for (const CLI::App* command : app_->get_subcommands({})) names.push_back(command->get_name());
  return names;
}

bool CommandLine::parse(int argc, const char* const* argv) const {
  return done(*app_, [&] { app_->parse(argc, argv); });
}

bool CommandLine::parse(const std::vector<std::string>& words) const {
  return done(*app_, [&] { app_->parse(std::vector<std::string>(words.rbegin(), words.rend())); });
}

}  // namespace tidelimit::cli
