#include "api/mail_queue.h"

#include <boost/json.hpp>

#include <algorithm>

#include "base/ids.h"
#include "mail/backoff.h"
#include "store/mails.h"

namespace paastech::api {

using namespace std::chrono_literals;

namespace {

// A new mail is announced before its transaction has committed, which takes 1.5 s at most (store/database.h).
constexpr int kLooksForNew = 8;
constexpr auto kLookEvery = 250ms;
constexpr std::int64_t kMaxWaitMs = 60'000;  // a clock that was set is noticed after that

std::string context_of(const std::string& id) { return "mail/" + id; }

std::string to_text(const mail::Message& message) {
  boost::json::object out{{"to", message.to},     {"subject", message.subject}, {"text", message.text},
                          {"html", message.html}, {"id", message.message_id},   {"date", message.date_ms}};
  return boost::json::serialize(out);
}

Result<mail::Message> from_text(const std::string& text) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(text, error);
  if (error || !value.is_object()) return fail(Code::kInternal, "the row of a mail is damaged");
  const boost::json::object& object = value.get_object();
  const auto field = [&object](std::string_view name) {
    const boost::json::value* found = object.if_contains(name);
    return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
  };
  mail::Message message{field("to"), field("subject"), field("text"), field("html"), field("id"), 0};
  if (const boost::json::value* date = object.if_contains("date"); date != nullptr && date->is_int64())
    message.date_ms = date->get_int64();
  return message;
}

}  // namespace

struct MailQueue::State {
  State(net::TaskGroup& group, controller::DatabaseAccess& access, const SecretBox& box, const Clock& time, Sender how)
      : tasks(group), database(access), secrets(box), clock(time), sender(std::move(how)), news(group.executor()) {}
  net::TaskGroup& tasks;
  controller::DatabaseAccess& database;
  const SecretBox& secrets;
  const Clock& clock;
  Sender sender;
  net::Notifier news;
  int looks = 0;  // how often to look soon, for a mail that was announced
  std::atomic<bool> stop = false;
  net::BlockingPool pool{1};
};

MailQueue::MailQueue(net::TaskGroup& tasks, controller::DatabaseAccess& database, const SecretBox& secrets,
                     const Clock& clock, Sender sender)
    : state_(std::make_shared<State>(tasks, database, secrets, clock, std::move(sender))) {}

MailQueue::~MailQueue() { stop(); }

Status MailQueue::add(store::Tx& tx, mail::Message message) {
  store::MailRow row;
  row.id = new_uuid();
  row.created_at = state_->clock.now_ms();
  row.next_at = row.created_at;
  message.message_id = row.id;
  message.date_ms = row.created_at;
  row.body = state_->secrets.seal(to_text(message), context_of(row.id));
  TRY(store::insert_mail(tx, row));
  net::asio::post(state_->tasks.executor(), [weak = std::weak_ptr<State>(state_)] {
    const std::shared_ptr<State> state = weak.lock();
    if (!state) return;
    state->looks = kLooksForNew;
    state->news.notify();
  });
  return {};
}

void MailQueue::start() { state_->tasks.spawn("mail queue", run()); }

void MailQueue::stop() { state_->stop = true; }

net::Task<void> MailQueue::run() {
  const std::shared_ptr<State> state = state_;
  while (!state->stop) {
    Result<std::int64_t> next = co_await send_due();
    if (!next) spdlog::warn("mail: {}", next.error().message);
    std::chrono::milliseconds wait(kMaxWaitMs);
    if (next && *next > 0) {
      const std::int64_t left = *next - state->clock.now_ms();
      wait = std::chrono::milliseconds(std::clamp<std::int64_t>(left, 1, kMaxWaitMs));
    }
    if (state->looks > 0) {
      --state->looks;
      wait = std::min<std::chrono::milliseconds>(wait, kLookEvery);
    }
    co_await state->news.wait(wait);
  }
}

net::Task<Result<std::int64_t>> MailQueue::send_due() {
  const std::shared_ptr<State> state = state_;
  while (!state->stop) {
    auto find = [](store::Tx& tx) { return store::next_mail(tx); };
    CO_TRY_ASSIGN(std::optional<store::MailRow> row, co_await state->database.read(std::move(find)));
    if (!row) co_return 0;
    if (row->next_at > state->clock.now_ms()) co_return row->next_at;
    CO_TRY(co_await attempt(row->id, row->body, row->attempts));
  }
  co_return 0;
}

// Neither recipient nor subject is logged: the one is private, the other says what somebody does.
net::Task<Status> MailQueue::attempt(std::string id, std::string sealed, int attempts) {
  const std::shared_ptr<State> state = state_;
  Status sent;
  Result<std::string> text = state->secrets.open(sealed, context_of(id));
  if (!text) {
    sent = std::unexpected(text.error());
  } else if (Result<mail::Message> message = from_text(*text); message) {
    auto hand_over = [raw = state.get(), mail = std::move(*message)]() -> Status {
      return raw->sender(mail, raw->stop);
    };
    sent = co_await state->pool.run(std::move(hand_over));
  } else {
    sent = fail(Code::kInvalidArgument, message.error().message);
  }
  if (!sent && state->stop) co_return Status{};  // the attempt was cut off by us
  const std::optional<std::int64_t> wait = mail::retry_after_ms(attempts + 1);
  if (sent || sent.error().code == Code::kInvalidArgument || !wait) {
    if (sent)
      spdlog::info("mail {} was handed over", id);
    else
      spdlog::warn("mail {} is given up after {} attempts: {}", id, attempts + 1, sent.error().message);
    auto remove = [id](store::Tx& tx) { return store::delete_mail(tx, id); };
    // A mail that is out must not go again, so this is tried until the database takes it.
    Status removed = co_await state->database.write_at_last(std::move(remove));
    co_return removed;
  }
  spdlog::warn("mail {} waits, attempt {}: {}", id, attempts + 1, sent.error().message);
  const std::int64_t next_at = state->clock.now_ms() + *wait;
  auto note = [id, next_at, why = sent.error().message](store::Tx& tx) {
    return store::postpone_mail(tx, id, next_at, why);
  };
  Status noted = co_await state->database.write_at_last(std::move(note));
  co_return noted;
}

}  // namespace paastech::api
