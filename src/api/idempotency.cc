#include "api/idempotency.h"

#include "api/route.h"
#include "base/ids.h"
#include "store/idempotency.h"

namespace paastech::api {
namespace {

constexpr std::int64_t kKeptMs = 24LL * 3'600 * 1'000;
constexpr std::int64_t kMostKeys = 1'000;  // of one Client at a time: bounds what the table holds

std::string seal_context(const std::string& client, const std::string& key) {
  return "idempotency/" + client + "/" + key;
}

std::string fingerprint_context(const std::string& client, const std::string& key) {
  return "fingerprint/" + client + "/" + key;
}

// Kept sealed: of a body that holds a password, its hash alone would let whoever reads the database try passwords.
std::string fingerprint_of(const net::ServerRequest& request) {
  return hex(sha256(request.method + "\n" + request.path + "\n" + request.query + "\n" + request.body));
}

std::string to_text(const net::HttpResponse& answer) {
  boost::json::array headers;
  for (const auto& [name, value] : answer.headers.items()) headers.push_back(boost::json::array{name, value});
  return boost::json::serialize(boost::json::object{{"headers", std::move(headers)}, {"body", answer.body}});
}

net::HttpResponse from_text(int status, const std::string& text) {
  const boost::json::value value = boost::json::parse(text);
  net::HttpResponse answer;
  answer.status = status;
  for (const boost::json::value& pair : value.at("headers").as_array())
    answer.headers.add(std::string(pair.at(0).as_string()), std::string(pair.at(1).as_string()));
  answer.body = std::string(value.at("body").as_string());
  return answer;
}

std::unexpected<Error> still_at_work() {
  return fail(Code::kAborted, "the first request with this Idempotency-Key is still at work",
              "wait a second, and ask again with the same key");
}

// The row that was there already, or none: the key is ours now.
Result<std::optional<store::IdempotencyRow>> take(store::Tx& tx, const store::IdempotencyRow& wanted) {
  TRY(store::delete_answers_before(tx, wanted.created_at - kKeptMs));
  TRY_ASSIGN(std::optional<store::IdempotencyRow> found, store::find_answer(tx, wanted.client_id, wanted.key));
  if (found) return found;
  TRY_ASSIGN(const std::int64_t count, store::count_answers(tx, wanted.client_id));
  if (count >= kMostKeys)
    return fail(Code::kResourceExhausted, "you have used 1000 Idempotency-Keys within 24 hours, which is the most",
                "ask without a key, or wait");
  TRY(store::insert_answer(tx, wanted));
  return std::nullopt;
}

}  // namespace

net::Task<Result<Answer>> Idempotency::run(CallPtr call, std::string name, net::Task<Result<Answer>> work) {
  const Key key{call->identity->client.id, std::move(name)};
  if (!at_work_.insert(key).second) co_return still_at_work();
  Result<Answer> answer = fail(Code::kInternal, "the request ended without an answer");
  try {
    answer = co_await run_as(key, call, std::move(work));
  } catch (...) {
    at_work_.erase(key);
    throw;
  }
  at_work_.erase(key);
  co_return answer;
}

net::Task<Result<Answer>> Idempotency::run_as(Key key, CallPtr call, net::Task<Result<Answer>> work) {
  const std::string fingerprint = fingerprint_of(call->request);
  const std::string sealed = context_.secrets.seal(fingerprint, fingerprint_context(key.first, key.second));
  const store::IdempotencyRow wanted{key.first, key.second, sealed, 0, "", context_.clock.now_ms()};
  auto begin = [wanted](store::Tx& tx) { return take(tx, wanted); };
  CO_TRY_ASSIGN(std::optional<store::IdempotencyRow> found, co_await context_.database.write(std::move(begin)));
  if (found) {
    CO_TRY_ASSIGN(const std::string first,
                  context_.secrets.open(found->fingerprint, fingerprint_context(key.first, key.second)));
    if (first != fingerprint)
      co_return fail(Code::kInvalidArgument, "this Idempotency-Key was used for another request",
                     "take a fresh random key for each request; repeat one only with the same path, query and body");
  }
  if (found && found->status == 0)
    co_return fail(Code::kAborted, "the first request with this Idempotency-Key was cut off by the Service's end",
                   "look whether it was done; to do it again, take a fresh key");
  if (found) {
    CO_TRY_ASSIGN(std::string text, context_.secrets.open(found->body, seal_context(key.first, key.second)));
    co_return from_text(found->status, text);
  }
  Result<Answer> answer = fail(Code::kInternal, "the request ended without an answer");
  std::exception_ptr failure;
  try {
    answer = co_await std::move(work);
  } catch (const boost::system::system_error& e) {
    if (e.code() == net::asio::error::operation_aborted) throw;  // the Service stops: the work was cut off
    failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  Status noted;
  if (answer && *answer && (*answer)->status / 100 == 2) {
    net::HttpResponse whole = **answer;
    for (const auto& [name, value] : call->answer_headers.items()) whole.headers.add(name, value);
    noted = co_await keep(key, std::move(whole));
  } else {
    noted = co_await free(key);
  }
  if (!noted) spdlog::error("request {}: its Idempotency-Key: {}", call->request.id, noted.error().message);
  if (failure) std::rethrow_exception(failure);
  co_return answer;
}

net::Task<Status> Idempotency::keep(Key key, net::HttpResponse answer) {
  store::IdempotencyRow row{key.first, key.second, "", answer.status, "", 0};
  row.body = context_.secrets.seal(to_text(answer), seal_context(key.first, key.second));
  auto complete = [row](store::Tx& tx) { return store::complete_answer(tx, row); };
  Status kept = co_await context_.database.write(std::move(complete));
  co_return kept;
}

net::Task<Status> Idempotency::free(Key key) {
  auto remove = [key](store::Tx& tx) { return store::delete_answer(tx, key.first, key.second); };
  Status freed = co_await context_.database.write(std::move(remove));
  co_return freed;
}

}  // namespace paastech::api
