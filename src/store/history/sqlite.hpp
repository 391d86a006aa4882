#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace tidelimit::store {

class Database;

/// One prepared statement in use; given back to its database when dropped. A failure to prepare or
/// bind comes out of the next step(), so that callers check in one place.
class Query {
 public:
  Query(Query&& other) noexcept;
  Query& operator=(Query&&) = delete;
  ~Query();

  /// The next parameter, from the left.
  Query& bind(std::int64_t value);
  Query& bind(double value);
  Query& bind(std::string_view value);
  Query& bind(Nanos value) { return bind(std::int64_t{value.count()}); }
  Query& bind(WallTime value) { return bind(value.time_since_epoch()); }
  Query& bind(std::nullopt_t);
  template <std::unsigned_integral T>  // a flag, too
  Query& bind(T value) {
    return bind(static_cast<std::int64_t>(value));
  }
  template <class T>
  Query& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind(std::nullopt);
  }

  /// True while there is a row to read.
  [[nodiscard]] Result<bool> step();
  /// Runs to the end and rewinds, so that the same query can be bound and run again.
  [[nodiscard]] Result<void> run();

  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] WallTime time(int column) const { return WallTime{Nanos{integer(column)}}; }
  [[nodiscard]] bool is_null(int column) const;

 private:
  friend class Database;
  Query(const Database* database, sqlite3_stmt* statement, int status);
  const Database* database_;
  sqlite3_stmt* statement_;
  int status_;        ///< of preparing and binding
  int position_ = 0;  ///< of the parameter bound last
};

/// What `record_of(const Query&)` makes of each row, in their order.
template <class RecordOf>
[[nodiscard]] auto collect(Query rows, RecordOf record_of)
    -> Result<std::vector<decltype(record_of(std::as_const(rows)))>> {
  std::vector<decltype(record_of(std::as_const(rows)))> found;
  while (true) {
    const auto more = rows.step();
    if (!more) return tl::unexpected(more.error());
    if (!*more) return found;
    found.push_back(record_of(std::as_const(rows)));
  }
}

/// The same of the first row; empty when there is none.
template <class RecordOf>
[[nodiscard]] auto first_row(Query rows, RecordOf record_of)
    -> Result<std::optional<decltype(record_of(std::as_const(rows)))>> {
  const auto found = rows.step();
  if (!found) return tl::unexpected(found.error());
  if (!*found) return std::nullopt;
  return record_of(std::as_const(rows));
}

/// One connection to a SQLite file with its statements, prepared once each. One thread at a time.
class Database {
 public:
  enum class Access { read, write };
  [[nodiscard]] static Result<Database> open(const std::filesystem::path& path, Access access);
  Database() = default;  ///< of no file: all calls fail
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// Statements without parameters or results, as many as the text holds.
  [[nodiscard]] Result<void> script(const std::string& sql);

  /// `sql` must outlive the database (a literal): it is the key of the statement cache.
  template <class... Args>
  [[nodiscard]] Query query(std::string_view sql, const Args&... args) {
    Query made = prepare(sql);
    (made.bind(args), ...);
    return made;
  }
  template <class... Args>
  [[nodiscard]] Result<void> execute(std::string_view sql, const Args&... args) {
    return query(sql, args...).run();
  }
  /// The first column of the first row; 0 when there is none or it is NULL.
  template <class... Args>
  [[nodiscard]] Result<std::int64_t> number(std::string_view sql, const Args&... args) {
    Query asked = query(sql, args...);
    const auto row = asked.step();
    if (!row) return tl::unexpected(row.error());
    return *row ? asked.integer(0) : 0;
  }

  /// Body (Result<void>()) and commit in one transaction; any failure rolls all of it back.
  template <class Body>
  [[nodiscard]] Result<void> transaction(Body&& body) {
    if (auto begun = script("BEGIN IMMEDIATE"); !begun) return begun;
    auto done = body();
    if (done) done = script("COMMIT");
    if (!done) roll_back();
    return done;
  }

  /// While true, a commit returns only when it is on the disk; else the last moments may be lost in
  /// a power cut (never in a crash of the process), and the file stays whole either way.
  [[nodiscard]] Result<void> set_durable(bool durable);

  /// All of it into another file, which is empty or not there.
  [[nodiscard]] Result<void> copy_to(const std::filesystem::path& file);

  /// The log is not folded into the file when this is closed, nor removed.
  void leave_log_on_close();

  [[nodiscard]] std::int64_t rows_changed() const;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] sqlite3* handle() const { return handle_; }
  /// The error of a SQLite status, in words that name the file and the mend.
  [[nodiscard]] Error error_of(int status) const;

 private:
  Database(std::filesystem::path path, sqlite3* handle);
  [[nodiscard]] Query prepare(std::string_view sql);
  void roll_back();
  void close();

  std::filesystem::path path_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string_view, sqlite3_stmt*> statements_;
};

}  // namespace tidelimit::store
