#include "store/files/file.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/temporary_folder.hpp"

namespace tidelimit::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(File, ReadsBackWhatItWrote) {
  const test::TemporaryFolder folder;
  const std::string bytes("two\nlines\0and a zero", 20);
  ASSERT_TRUE(write_file(folder / "a", bytes));
  EXPECT_EQ(read_file(folder / "a", 100).value(), bytes);
  ASSERT_TRUE(write_file(folder / "a", "shorter"));
  EXPECT_EQ(read_file(folder / "a", 7).value(), "shorter");
}

TEST(File, LeavesNothingBesideTheFile) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file(folder / "a", "x"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(File, KeepsTheOldFileWhenTheNewOneCannotBePut) {
  const test::TemporaryFolder folder;
  fs::create_directory(folder / "taken");
  std::ofstream(folder / "taken/inside") << "x";
  const auto put = write_file(folder / "taken", "x");
  ASSERT_FALSE(put);
  EXPECT_THAT(put.error().message, HasSubstr((folder / "taken").string()));
  EXPECT_TRUE(fs::exists(folder / "taken/inside"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()), 1);
}

TEST(File, WaitsForNoOtherEndOfAPipe) {
  const test::TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  const auto refused = read_file(folder / "pipe", 10);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("not a regular file"));
}

TEST(File, NamesWhatIsMissingOrTooLong) {
  const test::TemporaryFolder folder;
  const auto missing = read_file(folder / "no", 10);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::not_found);
  EXPECT_THAT(missing.error().message, HasSubstr("no: cannot open: No such file"));
  ASSERT_TRUE(write_file(folder / "long", "12345"));
  const auto refused = read_file(folder / "long", 4);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::resource_exhausted);
  const auto of_folder = read_file(folder.path(), 10);
  ASSERT_FALSE(of_folder);
  EXPECT_EQ(of_folder.error().code, Code::invalid_argument);
}

TEST(File, MissingFolderIsAnErrorAndMakeFolderMendsIt) {
  const test::TemporaryFolder folder;
  const auto put = write_file(folder / "a/b/c", "x");
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Code::not_found);
  ASSERT_TRUE(make_folder(folder / "a/b"));
  ASSERT_TRUE(make_folder(folder / "a/b"));
  EXPECT_TRUE(write_file(folder / "a/b/c", "x"));
}

}  // namespace
}  // namespace tidelimit::store
