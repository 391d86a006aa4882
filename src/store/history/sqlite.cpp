#include "store/history/sqlite.hpp"

#include <cerrno>
#include <fmt/format.h>
#include <sqlite3.h>
#include <utility>

namespace tidelimit::store {
namespace {

bool is_for_want_of_room(int error_number) {
  return error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
}

}  // namespace

Query::Query(const Database* database, sqlite3_stmt* statement, int status)
    : database_(database), statement_(statement), status_(status) {}

Query::Query(Query&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      status_(other.status_),
      position_(other.position_) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::int64_t value) {
  if (status_ == SQLITE_OK) status_ = sqlite3_bind_int64(statement_, ++position_, value);
  return *this;
}

Query& Query::bind(double value) {
  if (status_ == SQLITE_OK) status_ = sqlite3_bind_double(statement_, ++position_, value);
  return *this;
}

Query& Query::bind(std::string_view value) {
  // A null pointer would bind NULL, and an empty text is a value.
  const char* data = value.data() == nullptr ? "" : value.data();
  if (status_ == SQLITE_OK) {
    status_ = sqlite3_bind_text64(statement_, ++position_, data, value.size(), SQLITE_TRANSIENT,
                                  SQLITE_UTF8);
  }
  return *this;
}

Query& Query::bind(std::nullopt_t) {
  if (status_ == SQLITE_OK) status_ = sqlite3_bind_null(statement_, ++position_);
  return *this;
}

Result<bool> Query::step() {
  if (status_ != SQLITE_OK) return tl::unexpected(database_->error_of(status_));
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return tl::unexpected(database_->error_of(status));
}

Result<void> Query::run() {
  while (true) {
    const auto row = step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) break;
  }
  sqlite3_reset(statement_);
  position_ = 0;
  return {};
}

std::int64_t Query::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Query::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string Query::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Database::Database(std::filesystem::path path, sqlite3* handle)
    : path_(std::move(path)), handle_(handle) {}

Database::Database(Database&& other) noexcept
    : path_(std::move(other.path_)),
      handle_(std::exchange(other.handle_, nullptr)),
      statements_(std::move(other.statements_)) {
  other.statements_.clear();
}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    close();
    path_ = std::move(other.path_);
    handle_ = std::exchange(other.handle_, nullptr);
    statements_ = std::exchange(other.statements_, {});
  }
  return *this;
}

Database::~Database() {
  close();
}

void Database::close() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
  sqlite3_close(std::exchange(handle_, nullptr));
}

Result<Database> Database::open(const std::filesystem::path& path, Access access) {
  sqlite3* handle = nullptr;
  const int flags =
      (access == Access::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const int status = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Database opened(path, handle);
  if (status != SQLITE_OK) return tl::unexpected(opened.error_of(status));
  sqlite3_extended_result_codes(handle, 1);
  // Only a person's sqlite3 shell competes for the file; waiting longer would hold up the caller.
  sqlite3_busy_timeout(handle, 2000);
  return opened;
}

Result<void> Database::script(const std::string& sql) {
  const int status = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return tl::unexpected(error_of(status));
  return {};
}

Query Database::prepare(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return {this, known->second, SQLITE_OK};
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (status == SQLITE_OK) statements_.emplace(sql, statement);
  return {this, statement, status};
}

void Database::roll_back() {
  // SQLite rolls back by itself after some failures (a full disk); then there is nothing to undo.
  if (sqlite3_get_autocommit(handle_) == 0) {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Result<void> Database::set_durable(bool durable) {
  return script(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
}

Result<void> Database::copy_to(const std::filesystem::path& file) {
  return execute("VACUUM INTO ?", file.native());
}

void Database::leave_log_on_close() {
  if (handle_ != nullptr) sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

std::int64_t Database::rows_changed() const {
  return sqlite3_changes64(handle_);
}

Error Database::error_of(int status) const {
  const char* detail = handle_ == nullptr ? sqlite3_errstr(status) : sqlite3_errmsg(handle_);
  const auto say = [&](Code code, std::string_view mend) {
    return Error{code, fmt::format("{}: {}{}", path_.string(), detail, mend)};
  };
  const auto full = [&] {
    return say(Code::resource_exhausted, "; free space on its disk, writing resumes by itself");
  };
  switch (status & 0xff) {
    case SQLITE_FULL:
      return full();
    case SQLITE_IOERR:
      // What it needs beside the file (the index of the log) finds no room.
      if (handle_ != nullptr && is_for_want_of_room(sqlite3_system_errno(handle_))) return full();
      return say(Code::unavailable, "; check its disk, writing resumes by itself");
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return say(Code::permission_denied,
                 "; make the file and its folder writable for this user, or name another `state`");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return say(Code::unavailable, "; another program holds it");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return say(Code::data_loss, "; tidelimit moves it aside when it starts");
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return say(Code::resource_exhausted, "");
    default:
      return say(Code::internal, "");
  }
}

}  // namespace tidelimit::store
