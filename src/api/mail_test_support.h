#pragma once
// For tests: the API with a queue whose mails are kept instead of sent.
#include <algorithm>
#include <regex>

#include "api/account_mail.h"
#include "api/test_support.h"

namespace paastech::api {

class MailTest : public ApiTest {
 protected:
  MailTest() {
    auto keep = [this](const mail::Message& message, const std::atomic<bool>&) -> Status {
      sent_.push_back(message);
      return {};
    };
    queue_ = std::make_unique<MailQueue>(tasks_, *access_, secrets_, clock_, std::move(keep));
    context_->mails = queue_.get();
  }
  ~MailTest() override { settle(); }  // tasks of the answers use the queue

  // Runs what goes on beside the answers to its end, then sends what is due.
  void settle() {
    while (tasks_.size() > 0) io_.run_one();
    const Result<std::int64_t> next = run(queue_->send_due());
    EXPECT_TRUE(next) << next.error().message;
  }
  // The newest mail to that address whose subject has that in it.
  mail::Message sent_to(const std::string& to, const std::string& subject) {
    settle();
    for (auto mail = sent_.rbegin(); mail != sent_.rend(); ++mail)
      if (mail->to == to && mail->subject.find(subject) != std::string::npos) return *mail;
    ADD_FAILURE() << "no mail '" << subject << "' to " << to;
    return {};
  }
  std::size_t mails_to(const std::string& to) {
    settle();
    return static_cast<std::size_t>(std::ranges::count(sent_, to, &mail::Message::to));
  }
  static std::string secret_in(const mail::Message& mail) {
    std::smatch found;
    if (!std::regex_search(mail.text, found, std::regex("\\?secret=([A-Za-z0-9_-]{43})\n")))
      ADD_FAILURE() << "no link in: " << mail.text;
    return found.str(1);
  }

  std::vector<mail::Message> sent_;  // by one mail at a time, while the loop waits for it
  std::unique_ptr<MailQueue> queue_;
};

}  // namespace paastech::api
