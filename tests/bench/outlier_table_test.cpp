#include "anomaly/outlier_table.hpp"

#include <fstream>
#include <gmock/gmock.h>

#include "temporary_folder.hpp"

namespace tidelimit::bench {
namespace {

Result<OutlierTable> read(const std::string& text) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "some.csv";
  std::ofstream(path) << text;
  return read_outliers(path);
}

TEST(OutlierTable, TakesTheLabelForNoFeatureHoweverItIsWritten) {
  for (const char* label : {"label", "Label", "LABEL", "\"label\"", "\"Label\" ", " label "}) {
    const auto table = read(std::string("x,") + label + "\n1,0\n2,1\n3,\"1\"\n");
    ASSERT_TRUE(table.has_value()) << label << ": " << table.error().message;
    EXPECT_EQ(table->columns, 1U) << label;
    EXPECT_THAT(table->outlier, testing::ElementsAre(false, true, true)) << label;
  }
}

TEST(OutlierTable, SaysWhatANumberLacks) {
  EXPECT_THAT(read("x,y\n1,2\n3,-1.28e+299\n").error().message,
              testing::EndsWith("line 3, column y: \"-1.28e+299\" is too large for a float"));
  EXPECT_THAT(read("x,y\n1,2\n3,much\n").error().message,
              testing::EndsWith("line 3, column y: \"much\" is not a number"));
}

}  // namespace
}  // namespace tidelimit::bench
