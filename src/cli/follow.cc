#include "cli/follow.h"

#include <fmt/format.h>

#include "cli/json_read.h"

namespace paastech::cli {

namespace json = boost::json;

namespace {

constexpr int kAttempts = 6;                         // connections in a row that brought nothing new
constexpr std::chrono::milliseconds kBetween{1000};  // long enough for a restart of paastechd

struct Progress {
  std::size_t shown = 0;
  std::size_t at = 0;  // in the present connection
  json::value result = {};
  bool done = false;
  std::optional<Error> error = {};  // told by the server inside the stream
};

void show(Session& session, const Event& event, bool raw) {
  json::error_code error;
  const json::value data = json::parse(event.data, error);
  if (session.out.json()) {
    if (raw && !error) session.out.document(data);
    return;
  }
  session.out.line(error ? event.data : text_of(data, "text"));
}

bool take(Session& session, Progress& progress, const Event& event, bool raw) {
  if (event.name == "result") {
    json::error_code error;
    progress.result = json::parse(event.data, error);
    progress.done = !error;
    return false;
  }
  if (event.name == "error") {
    progress.error = read_problem(event.data);
    return !progress.error;
  }
  if (event.name != "line" || ++progress.at <= progress.shown) return true;
  ++progress.shown;
  show(session, event, raw);
  return true;
}

}  // namespace

bool has_ended(std::string_view state) {
  return state == "live" || state == "superseded" || state == "failed" || state == "cancelled";
}

Outcome<json::value> follow_deployment(Session& session, const std::string& project_path, std::int64_t number,
                                       bool raw) {
  TRY_ASSIGN(Http * api, session.api());
  const std::string path = fmt::format("{}/deployments/{}/log", project_path, number);
  Progress progress;
  std::string reason = "the server ended the log too early";
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) session.io.pause(kBetween);
    const std::size_t before = progress.shown;
    progress.at = 0;
    progress.error.reset();
    Result<StreamEnd> end = api->stream(path, [&](const Event& event) { return take(session, progress, event, raw); });
    if (progress.done) return std::move(progress.result);
    if (progress.error) end = std::unexpected(*progress.error);
    if (progress.shown > before) attempt = 0;
    if (!end && end.error().code != Code::kUnavailable) return std::unexpected(Failure(end.error()));
    if (!end) reason = end.error().message;
    if (end && *end == StreamEnd::kInterrupted)
      return interrupted(fmt::format("Deployment {} goes on without this terminal.", number),
                         fmt::format("`paastech deployments logs {0}` follows it, `paastech deployments cancel {0}` "
                                     "stops it.",
                                     number));
  }
  return fail(Code::kUnavailable, fmt::format("cannot follow deployment {}: {}", number, reason),
              fmt::format("it goes on by itself; `paastech deployments show {}` tells how it ended", number));
}

Outcome<int> report_deployment(Session& session, const json::value& deployment) {
  const std::string state = text_of(deployment, "state");
  const std::int64_t number = integer_of(deployment, "number");
  if (state == "live") {
    const std::int64_t took = integer_of(deployment, "duration_ms");
    const std::string url = text_of(deployment, "url");
    session.out.line(fmt::format("Deployment {} is live{}{}{}", number, url.empty() ? "" : " at ", url,
                                 took > 0 ? fmt::format(" ({})", human_time(took)) : ""),
                     Colour::kGreen);
    return 0;
  }
  if (state == "superseded") {
    session.out.line(fmt::format("Deployment {} has been replaced by a newer one.", number));
    return 0;
  }
  std::string why = text_of(deployment, "message");
  if (why.empty()) why = text_of(deployment, "reason");
  if (!why.empty()) why.insert(0, ": ");
  if (state == "cancelled")
    return fail(Code::kCancelled, fmt::format("deployment {} was cancelled{}", number, why),
                "it replaced nothing; `paastech deployments` lists what was tried");
  return fail(Code::kInternal, fmt::format("deployment {} {}{}", number, state, why),
              fmt::format("it replaced nothing; `paastech deployments logs {}` shows all of it", number));
}

Outcome<int> follow_answer(Session& session, const std::string& project_path, json::value answer, std::string_view key,
                           bool wait) {
  const json::value* deployment = object_of(answer, key);
  if (!deployment || has_ended(text_of(*deployment, "state"))) {
    session.out.document(answer);
    return 0;
  }
  const std::int64_t number = integer_of(*deployment, "number");
  if (!wait) {
    session.out.document(answer);
    session.out.line(fmt::format("Deployment {} begins; `paastech deployments logs {}` follows it.", number, number));
    return 0;
  }
  TRY_ASSIGN(json::value last, follow_deployment(session, project_path, number));
  answer.as_object()[key] = last;
  session.out.document(answer);
  return report_deployment(session, last);
}

}  // namespace paastech::cli
