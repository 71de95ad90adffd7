#include "server/api/access.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "server/api/audit_log.hpp"
#include "tests/support/temporary_folder.hpp"

namespace windrow::server {
namespace {

constexpr timestamp start{1'000'000'000'000};
timestamp after(std::int64_t seconds) { return {start.micros + seconds * 1'000'000}; }

request with(std::vector<std::pair<std::string, std::string>> headers) {
  request out;
  out.headers = std::move(headers);
  return out;
}

class Access : public ::testing::Test {
protected:
  std::string make(role may, std::optional<timestamp> expires = std::nullopt,
                   std::vector<std::string> classes = {}) {
    auto made = make_token(path_, {may, std::move(classes), start, expires});
    EXPECT_TRUE(made.ok()) << made.error().message;
    id_ = made->what.id;
    return made->text;
  }
  identity ask(const std::string& token, timestamp now, const std::string& from = "10.0.0.1") {
    return access_.identify({false, false, from}, with({{"authorization", "Bearer " + token}}),
                            now);
  }

  test::temporary_folder folder_;
  const std::string path_ = folder_ / "tokens";
  std::string id_;
  token_store tokens_{path_};
  authenticator access_{&tokens_};
};

TEST_F(Access, OfTheSocketIsTheOwners) {
  EXPECT_EQ(access_.identify({true, false, "socket"}, {}, start).who.may, principal::owner().may);
}

TEST_F(Access, WithoutTokensIsForProgramsOfThisMachine) {
  const peer loopback{false, false, "127.0.0.1"};
  const auto who = access_.identify(loopback, with({{"host", "localhost:8800"}}), start);
  EXPECT_FALSE(who.refused);
  EXPECT_TRUE(who.who.may.has(role::reader) && who.who.may.has(role::writer));
  EXPECT_FALSE(who.who.may.has(role::admin));
  EXPECT_EQ(
      access_.identify(loopback, with({{"host", "localhost"}, {"origin", "http://evil"}}), start)
          .refused->status,
      403);
  EXPECT_EQ(access_.identify(loopback, with({{"host", "evil"}}), start).refused->status, 421);
  EXPECT_EQ(access_.identify(loopback, {}, start).refused->status, 421);
}

TEST_F(Access, WithTokensNeedsOne) {
  make(role::reader);
  const auto who =
      access_.identify({false, false, "127.0.0.1"}, with({{"host", "localhost"}}), start);
  EXPECT_EQ(who.who.may, roles{});
}

TEST_F(Access, ByTlsNeedsATokenAlways) {
  EXPECT_EQ(
      access_.identify({false, true, "127.0.0.1"}, with({{"host", "localhost"}}), start).who.may,
      roles{});
}

TEST_F(Access, IsWhatTheTokenSays) {
  const std::string token = make(role::reader, std::nullopt, {"Card"});
  const auto who = ask(token, start).who;
  EXPECT_EQ(who.may, roles(role::reader));
  EXPECT_EQ(who.classes, std::vector<std::string>{"Card"});
  EXPECT_EQ(who.name, "token " + id_);
}

TEST_F(Access, IsRefusedToWhatIsNoToken) {
  std::string token = make(role::admin);
  EXPECT_FALSE(ask(token, start).refused);
  token.back() = token.back() == '0' ? '1' : '0';
  EXPECT_EQ(ask(token, start, "a").refused->status, 401);
  for (const char* bad : {"", "x", "wdr_", "wdr__", "wdr_0_", "wdr_000000000000_00"}) {
    EXPECT_EQ(ask(bad, start, bad).refused->status, 401) << bad;
  }
  EXPECT_EQ(access_.identify({false, false, "b"}, with({{"authorization", "Basic eA=="}}), start)
                .refused->status,
            401);
}

TEST_F(Access, EndsWithTheTokenWithoutARestart) {
  const std::string first = make(role::reader, after(60));
  EXPECT_FALSE(ask(first, after(1)).refused);
  EXPECT_TRUE(ask(first, after(60)).refused);
  const std::string second = make(role::writer);
  EXPECT_FALSE(ask(second, after(2)).refused);
  ASSERT_TRUE(revoke_token(path_, id_, after(3)).ok());
  EXPECT_TRUE(ask(second, after(4)).refused);
  EXPECT_FALSE(ask(first, after(4)).refused);
  EXPECT_EQ(revoke_token(path_, "none", after(3)).error().code, errc::not_found);
}

TEST_F(Access, IsSlowForThoseWhoGuess) {
  const std::string token = make(role::reader);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(ask("wdr_0_0", start, "g").refused->status, 401);
  EXPECT_EQ(ask(token, start, "g").refused->status, 429);
  EXPECT_FALSE(ask(token, start, "h").refused);
  EXPECT_FALSE(ask(token, after(61), "g").refused);
}

TEST_F(Access, KeepsNoSecretAndLetsNobodyElseRead) {
  const std::string token = make(role::reader);
  const std::string secret = token.substr(token.rfind('_') + 1);
  EXPECT_EQ(secret.size(), 64u);
  EXPECT_EQ(test::slurp(path_).find(secret), std::string::npos);
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_FALSE(load_tokens(path_).ok());
  token_store careless(path_);
  EXPECT_TRUE(careless.any(start));
  EXPECT_FALSE(careless.find(token, start));
}

TEST_F(Access, IsForNobodyWhereTheFileIsDamaged) {
  const std::string token = make(role::reader);
  test::spill(path_, test::slurp(path_) + "{\"id\": 7}\n");
  EXPECT_FALSE(load_tokens(path_).ok());
  token_store damaged(path_);
  EXPECT_FALSE(damaged.find(token, start));
  EXPECT_TRUE(damaged.any(start));
}

TEST(AuditLog, CannotBeForged) {
  test::temporary_folder folder;
  const std::string path = folder / "audit.log";
  audit_log log(path);
  log.write({start, "anonymous", "10.0.0.1", "GET", "/v1/\r\n{\"who\": \"owner\"}\x1b", 403,
             "Forbidden"});
  log.write({start, "owner", "socket", "POST", "/v1/checkpoint", 200, ""});
  const std::string text = test::slurp(path);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find(R"("status": 200, "result": "done"})"), std::string::npos) << text;
  EXPECT_EQ(log.lost(), 0u);
}

TEST(AuditLog, BeginsAgainWhereItIsLong) {
  test::temporary_folder folder;
  const std::string path = folder / "audit.log";
  audit_log log(path, 300);
  for (int i = 0; i < 10; ++i) log.write({start, "o", "s", "POST", "/v1/checkpoint", 200, ""});
  EXPECT_LT(test::slurp(path).size(), 600u);
  EXPECT_FALSE(test::slurp(path + ".1").empty());
}

}  // namespace
}  // namespace windrow::server
