#include "serve/children.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace tidelimit::bench {
namespace {

constexpr auto kPatience = std::chrono::seconds{20};

/// Forks, binds to the core, puts standard output on `out` and becomes the command.
pid_t spawn(const std::vector<std::string>& command, int out, bool errors_too, int core) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  (void)prctl(PR_SET_PDEATHSIG, SIGTERM);  // with the thread that started it, however that ends
  if (core != kAnyCore) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<std::size_t>(core), &set);
    (void)sched_setaffinity(0, sizeof set, &set);
  }
  dup2(out, STDOUT_FILENO);
  if (errors_too) dup2(out, STDERR_FILENO);
  execvp(arguments.front(), arguments.data());
  _exit(127);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool listens(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(fd);
  return connected;
}

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

void give_up(const std::string& why) {
  std::cerr << program_invocation_short_name << ": " << why << '\n';
  std::exit(1);
}

Child::Child(const std::vector<std::string>& command, const std::filesystem::path& output, int core)
    : name_(command.front()), output_(output) {
  const int out = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (out < 0) give_up("can't write " + output.string());
  pid_ = spawn(command, out, true, core);
  close(out);
  if (pid_ < 0) give_up("can't start " + name_);
}

Child::~Child() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

void Child::wait_for(std::uint16_t port) const {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!listens(port)) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_ || std::chrono::steady_clock::now() > end)
      give_up(fmt::format("{} does not listen on port {}:\n{}", name_, port, text_of(output_)));
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

double Child::cpu_seconds() const {
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid_, &clock) != 0 || clock_gettime(clock, &used) != 0) return 0;
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

double Child::resident_mb() const {
  std::ifstream in(fmt::format("/proc/{}/statm", pid_));
  double all = 0, resident = 0;
  in >> all >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) * 1e-6;
}

std::string output_of(const std::vector<std::string>& command, int core) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) give_up("no pipe");
  const pid_t pid = spawn(command, ends[1], false, core);
  close(ends[1]);
  std::string text;
  std::array<char, 4096> piece{};
  for (ssize_t n = 0; (n = read(ends[0], piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) give_up(fmt::format("{} failed; scripts/setup --bench installs it", command[0]));
  return text;
}

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("no free port");
  close(fd);
  return ntohs(address.sin_port);
}

std::vector<int> usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(static_cast<std::size_t>(core), &set)) cores.push_back(core);
    }
  }
  if (cores.empty()) cores.push_back(0);
  return cores;
}

OnCore::OnCore(int core) {
  ::sched_getaffinity(0, sizeof before_, &before_);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(core), &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) give_up("can't pin the load to its core");
}

OnCore::~OnCore() {
  ::sched_setaffinity(0, sizeof before_, &before_);
}

}  // namespace tidelimit::bench
