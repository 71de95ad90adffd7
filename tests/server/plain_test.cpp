#include <gtest/gtest.h>

#include <random>

#include "base/base64.hpp"
#include "server/api/target.hpp"
#include "server/body/problem.hpp"
#include "server/http/address.hpp"
#include "server/http/connection_table.hpp"

namespace windrow::server {
namespace {

TEST(Base64, IsReadBackWhateverTheBytes) {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 100; ++size) {
    std::string bytes(size, 0);
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
  }
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  for (const char* bad : {"Z", "Zm9v=", "Zm9v====", "Z===", "Zg=a", "Zm 9", "Zg==Zg=="}) {
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
  }
}

TEST(Target, IsCutFirstAndDecodedThen) {
  const auto read =
      read_target("/v1/entities/User/a%2Fb%20c+d?feature=sum%5B%221h%22%5D&feature=x=y&now=");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->segments, (std::vector<std::string>{"v1", "entities", "User", "a/b c+d"}));
  EXPECT_EQ(read->all("feature"), (std::vector<std::string>{"sum[\"1h\"]", "x=y"}));
  EXPECT_EQ(read->one("now").value(), "");
  EXPECT_EQ(read->one("none").value(), std::nullopt);
  EXPECT_FALSE(read->one("feature").ok());
}

TEST(Target, RefusesWhatIsNone) {
  for (const char* bad : {"", "v1", "http://x/", "*", "/%", "/%2", "/%zz", "/%00", "/?a=%0"}) {
    EXPECT_FALSE(read_target(bad).ok()) << bad;
  }
  for (const std::string_view bad : {std::string_view("/a\0b", 4), std::string_view("/?a=\0", 5)}) {
    EXPECT_FALSE(read_target(bad).ok()) << bad.size();
  }
}

TEST(Target, IsEncodedSoThatItIsReadBack) {
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  const auto read = read_target("/" + percent_encoded(every) + "?a=" + percent_encoded(every));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->segments[0], every);
  EXPECT_EQ(read->one("a").value(), every);
}

TEST(Address, IsReadAsPeopleWriteIt) {
  EXPECT_EQ(read_listen_address("127.0.0.1:8800")->port, 8800);
  EXPECT_EQ(read_listen_address("[::1]:0")->host, "::1");
  EXPECT_EQ(read_connect_address("http://localhost:8800/")->port, 8800);
  EXPECT_EQ(read_connect_address("https://a.example")->port, 443);
  EXPECT_TRUE(read_connect_address("https://a.example")->tls);
  EXPECT_TRUE(read_connect_address("state/socket")->local);
  for (const char* bad : {"", "127.0.0.1", ":80", "127.0.0.1:", "127.0.0.1:x", "[::1", "h:70000"}) {
    EXPECT_FALSE(read_listen_address(bad).ok()) << bad;
  }
  for (const char* bad : {"", "ftp://x", "http://", "http://x:y"}) {
    EXPECT_FALSE(read_connect_address(bad).ok()) << bad;
  }
}

TEST(Problem, IsReadBackAsItsFailure) {
  const failure why{errc::expired, "reaches \"beyond\"\nwhat is kept"};
  EXPECT_EQ(read_problem(422, problem_json(status_of(why.code), "expired", why.message)), why);
  EXPECT_NE(read_problem(502, "<html>").message.find("502"), std::string::npos);
}

TEST(ConnectionTable, GivesTheLongestWaitAwayWhereItIsFull) {
  connection_table table(3, 2);
  EXPECT_TRUE(table.arrived(1, "a").admitted);
  EXPECT_TRUE(table.arrived(2, "a").admitted);
  const auto third = table.arrived(3, "a");
  EXPECT_TRUE(third.admitted);
  EXPECT_EQ(third.close, 1u);
  EXPECT_TRUE(table.arrived(4, "b").admitted);
  table.waits(2);  // served a request, so 3 has waited longest now
  EXPECT_EQ(table.arrived(5, "c").close, 3u);
  EXPECT_EQ(table.size(), 3u);
}

TEST(ConnectionTable, TakesNoPlaceFromAConnectionThatIsAnswered) {
  connection_table table(2, 2);
  table.arrived(1, "a");
  table.arrived(2, "a");
  table.is_busy(1);
  EXPECT_EQ(table.arrived(3, "b").close, 2u);
  table.is_busy(3);
  EXPECT_FALSE(table.arrived(4, "b").admitted);
  table.left(1);
  table.left(1);
  EXPECT_TRUE(table.arrived(4, "b").admitted);
  EXPECT_EQ(table.size(), 2u);
}

}  // namespace
}  // namespace windrow::server
