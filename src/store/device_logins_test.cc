#include "store/device_logins.h"

#include "store/test_database.h"

namespace paastech::store {
namespace {

class DeviceLogins : public ::testing::Test {
 protected:
  Status insert(const std::string& hash, const std::string& user_code, std::int64_t created_at = 10) {
    const DeviceLoginRow row{hash, user_code, "laptop", "192.0.2.1", "", "pending", 0, created_at, created_at + 100};
    return database_.write([&](Tx& tx) { return insert_device_login(tx, row); });
  }
  bool decide(const std::string& user_code, const std::string& state, std::int64_t now) {
    return database_.write([&](Tx& tx) { return decide_device_login(tx, user_code, "someone", state, now); }).value();
  }
  Result<DeviceLoginRow> find(const std::string& hash) {
    return database_.read([&](Tx& tx) { return find_device_login(tx, hash); });
  }
  TestDatabase database_;
};

TEST_F(DeviceLogins, AreDecidedOnceAndWhileTheyLast) {
  ASSERT_TRUE(insert("h1", "BBBBCCCC"));
  ASSERT_TRUE(insert("h2", "BBBBDDDD"));
  EXPECT_EQ(database_.read([](Tx& tx) { return find_device_login_by_user_code(tx, "BBBBCCCC"); })->hash, "h1");
  EXPECT_TRUE(decide("BBBBCCCC", "approved", 109));
  EXPECT_FALSE(decide("BBBBCCCC", "denied", 109));
  EXPECT_FALSE(decide("BBBBDDDD", "approved", 110));
  EXPECT_FALSE(decide("XXXXXXXX", "approved", 20));
  EXPECT_EQ(find("h1")->state, "approved");
  EXPECT_EQ(find("h1")->client_id, "someone");
  EXPECT_EQ(find("h2")->state, "pending");
}

TEST_F(DeviceLogins, HaveCodesOfTheirOwnAndGoWhenTheyExpire) {
  ASSERT_TRUE(insert("h1", "BBBBCCCC"));
  EXPECT_EQ(insert("h2", "BBBBCCCC").error().code, Code::kAlreadyExists);
  ASSERT_TRUE(insert("h3", "BBBBDDDD", 109));
  EXPECT_TRUE(find("h1"));
  ASSERT_TRUE(database_.write([](Tx& tx) { return delete_expired_device_logins(tx, 110); }));
  ASSERT_TRUE(insert("h4", "BBBBCCCC", 110));  // its first user has expired, so the code is free
  EXPECT_EQ(find("h1").error().code, Code::kNotFound);
  EXPECT_EQ(database_.read([](Tx& tx) { return count_device_logins(tx); }).value(), 2);
}

TEST_F(DeviceLogins, AreUsedUpByBeingDeleted) {
  ASSERT_TRUE(insert("h1", "BBBBCCCC"));
  ASSERT_TRUE(database_.write([](Tx& tx) { return note_device_poll(tx, "h1", 55); }));
  EXPECT_EQ(find("h1")->polled_at, 55);
  const auto remove = [&] { return database_.write([](Tx& tx) { return delete_device_login(tx, "h1"); }).value(); };
  EXPECT_TRUE(remove());
  EXPECT_FALSE(remove());
}

}  // namespace
}  // namespace paastech::store
