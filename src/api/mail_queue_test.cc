#include "api/mail_queue.h"

#include <gmock/gmock.h>

#include "api/test_support.h"
#include "store/mails.h"

namespace paastech::api {
namespace {

using namespace std::chrono_literals;

class MailQueueTest : public ApiTest {
 protected:
  using Queue = std::unique_ptr<MailQueue>;
  Queue queue() {
    return std::make_unique<MailQueue>(tasks_, *access_, secrets_, clock_,
                                       [this](const mail::Message& message, const std::atomic<bool>&) -> Status {
                                         tried_.push_back(message);
                                         return outcome_;
                                       });
  }
  void add(MailQueue& to, const std::string& address) {
    const mail::Message message{address, "A subject", "a text", "<p>a text</p>", "", 0};
    ASSERT_TRUE(database_->write([&](store::Tx& tx) { return to.add(tx, message); }));
  }
  std::int64_t waiting() {
    std::int64_t count = 0;
    EXPECT_TRUE(database_->read([&](store::Tx& tx) -> Status {
      TRY_ASSIGN(count, store::count_mails(tx));
      return {};
    }));
    return count;
  }
  std::int64_t send(MailQueue& from) {
    const Result<std::int64_t> next = run(from.send_due());
    EXPECT_TRUE(next) << next.error().message;
    return next.value_or(-1);
  }

  std::vector<mail::Message> tried_;
  Status outcome_;
};

TEST_F(MailQueueTest, SendsEachOnceInOrder) {
  const Queue mails = queue();
  add(*mails, "a@example.org");
  clock_.now += 1;
  add(*mails, "b@example.org");
  EXPECT_EQ(send(*mails), 0);
  ASSERT_EQ(tried_.size(), 2u);
  EXPECT_EQ(tried_[0].to, "a@example.org");
  EXPECT_EQ(tried_[0].subject, "A subject");
  EXPECT_EQ(tried_[0].html, "<p>a text</p>");
  EXPECT_EQ(tried_[0].date_ms, clock_.now - 1);
  EXPECT_EQ(tried_[1].to, "b@example.org");
  EXPECT_NE(tried_[0].message_id, tried_[1].message_id);
  EXPECT_EQ(waiting(), 0);
}

TEST_F(MailQueueTest, AMailOfATransactionThatFailedIsNone) {
  const Queue mails = queue();
  EXPECT_FALSE(database_->write([&](store::Tx& tx) -> Status {
    TRY(mails->add(tx, {"a@example.org", "s", "t", "", "", 0}));
    return fail(Code::kAborted, "changed its mind");
  }));
  send(*mails);
  EXPECT_TRUE(tried_.empty());
}

TEST_F(MailQueueTest, TriesAgainWithTheSameMessageIdUntilTheServerIsBackAlsoAsANewQueue) {
  for (const Code code : {Code::kUnavailable, Code::kFailedPrecondition}) {
    tried_.clear();
    outcome_ = fail(code, "the server is away");
    Queue mails = queue();
    add(*mails, "a@example.org");
    const std::int64_t next = send(*mails);
    EXPECT_GT(next, clock_.now);
    EXPECT_EQ(send(*mails), next) << "not before its time";
    EXPECT_EQ(tried_.size(), 1u);
    mails = queue();  // as after a restart
    clock_.now = next;
    send(*mails);
    ASSERT_EQ(tried_.size(), 2u);
    EXPECT_EQ(tried_[0].message_id, tried_[1].message_id);
    EXPECT_EQ(tried_[0].date_ms, tried_[1].date_ms);
    outcome_ = {};
    clock_.now += 6 * 3'600'000;
    EXPECT_EQ(send(*mails), 0);
    EXPECT_EQ(waiting(), 0);
  }
}

TEST_F(MailQueueTest, GivesUpAfterADay) {
  outcome_ = fail(Code::kUnavailable, "the server is away");
  const Queue mails = queue();
  add(*mails, "a@example.org");
  const std::int64_t begun = clock_.now;
  std::int64_t next = send(*mails);
  while (next > 0) {
    clock_.now = next;
    next = send(*mails);
    ASSERT_LT(tried_.size(), 100u);
  }
  EXPECT_EQ(waiting(), 0);
  EXPECT_GT(clock_.now - begun, 20LL * 3'600'000);
  EXPECT_LE(clock_.now - begun, 24LL * 3'600'000);
}

TEST_F(MailQueueTest, DropsWhatWillNeverBeTakenAndGoesOn) {
  outcome_ = fail(Code::kInvalidArgument, "no such user");
  const Queue mails = queue();
  add(*mails, "a@example.org");
  add(*mails, "b@example.org");
  EXPECT_EQ(send(*mails), 0);
  EXPECT_EQ(tried_.size(), 2u);
  EXPECT_EQ(waiting(), 0);
}

TEST_F(MailQueueTest, OneThatWaitsDoesNotHoldUpTheOthers) {
  outcome_ = fail(Code::kUnavailable, "mailbox locked");
  const Queue mails = queue();
  add(*mails, "a@example.org");
  send(*mails);
  outcome_ = {};
  add(*mails, "b@example.org");
  send(*mails);
  EXPECT_EQ(tried_.back().to, "b@example.org");
  EXPECT_EQ(waiting(), 1);
}

TEST_F(MailQueueTest, RowsAreSealed) {
  const Queue mails = queue();
  const mail::Message message{"canary@example.org", "canary", "canary", "canary", "", 0};
  ASSERT_TRUE(database_->write([&](store::Tx& tx) { return mails->add(tx, message); }));
  ASSERT_TRUE(database_->read([&](store::Tx& tx) -> Status {
    TRY_ASSIGN(const std::optional<store::MailRow> row, store::next_mail(tx));
    EXPECT_EQ(row->body.find("canary"), std::string::npos);
    EXPECT_NE(row->body.find("v2:"), std::string::npos);
    TRY_ASSIGN(const std::string plain, secrets_.open(row->body, "mail/" + row->id));
    EXPECT_NE(plain.find("canary"), std::string::npos);
    return {};
  }));
}

TEST_F(MailQueueTest, BeginsSoonAfterTheCommitAndEndsAtOnce) {
  std::atomic<bool> entered = false;
  std::atomic<bool> stopped = false;
  MailQueue mails(tasks_, *access_, secrets_, clock_,
                  [&](const mail::Message&, const std::atomic<bool>& stop) -> Status {
                    entered = true;
                    while (!stop) std::this_thread::sleep_for(1ms);  // a server that does not answer
                    stopped = true;
                    return fail(Code::kUnavailable, "stopped");
                  });
  mails.start();
  add(mails, "a@example.org");
  while (!entered) io_.run_one_for(10ms);
  mails.stop();
  tasks_.cancel();
  run_void(tasks_.join());
  EXPECT_TRUE(stopped);
  EXPECT_EQ(waiting(), 1) << "it is sent after the next start";
}

}  // namespace
}  // namespace paastech::api
