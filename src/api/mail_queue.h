#pragma once
// Mails on their way out: rows of the table `mails`, sent one at a time on a thread of their own, again and again for a
// day (mail/backoff.h). They survive a restart; one that was sent in the moment of a crash goes out twice, with the
// same Message-ID. A Service without a mail server has no queue: Context::mails is null then, see may_send_mail().
// Thread: the control-plane loop, but for add().
#include <atomic>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/secret.h"
#include "controller/database_access.h"
#include "mail/message.h"
#include "net/task.h"

namespace paastech::api {

class MailQueue {
 public:
  // Hands one mail over; may block, and ends early once `stop` is set. mail::send, but in tests. Errors as there:
  // kInvalidArgument, the mail will never be taken; any other, it is tried again.
  using Sender = std::function<Status(const mail::Message& message, const std::atomic<bool>& stop)>;
  MailQueue(net::TaskGroup& tasks, controller::DatabaseAccess& database, const SecretBox& secrets, const Clock& clock,
            Sender sender);
  ~MailQueue();

  // Puts a mail into the queue in the caller's transaction, on the database's thread; it goes out soon after the
  // commit. Sets message_id and date_ms.
  Status add(store::Tx& tx, mail::Message message);
  void start();  // begins to send, in the TaskGroup
  void stop();   // ends an attempt under way, so that the TaskGroup can be joined at once
  // Sends all that is due; what start() does for ever. Gives when the next one is due, 0: there is none.
  net::Task<Result<std::int64_t>> send_due();

 private:
  struct State;
  net::Task<void> run();
  net::Task<Status> attempt(std::string id, std::string sealed, int attempts);
  std::shared_ptr<State> state_;
};

}  // namespace paastech::api
