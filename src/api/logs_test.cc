// What is read of the log store: filters, forms, following and its resumption.
#include <gmock/gmock.h>

#include "api/log_text.h"
#include "api/test_support.h"
#include "base/url.h"

namespace paastech::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Logs : public ApiTest {
 protected:
  Logs() : ada_(add_client("ada")), token_(token_of(ada_)), shop_(add_project("shop", ada_)) {}

  void print(const std::string& instance, const std::vector<std::string>& texts, std::int64_t deployment = 1,
             std::int64_t at_ms = 1'800'000'000'000, bool error_stream = false) {
    engine::LogBatch batch;
    batch.mutable_instance()->set_id(instance + "-id");
    batch.mutable_instance()->set_name(instance);
    batch.mutable_instance()->set_process(instance.substr(0, instance.find('.')));
    batch.mutable_instance()->set_project(shop_.id);
    batch.mutable_instance()->set_deployment(deployment);
    for (const std::string& text : texts) {
      engine::LogEntry& entry = *batch.add_entries();
      entry.set_at_ns(at_ms * 1'000'000);
      entry.set_error_stream(error_stream);
      entry.set_text(text);
    }
    run_void(book_->append(std::move(batch)));
  }
  // While a reader is on the loop.
  void print_soon(const std::string& text) { book_->add(shop_.id, 9, "platform", text); }
  boost::json::object get(const std::string& query) {
    const net::HttpResponse answer = ask("GET", "/api/v1/projects/shop/logs" + query, token_);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json(answer);
  }
  std::vector<std::string> texts(const std::string& query) {
    std::vector<std::string> out;
    const boost::json::object answer = get(query);
    for (const auto& item : answer.at("items").as_array()) out.emplace_back(item.at("text").as_string());
    return out;
  }
  // Of the ids in a stream.
  static std::vector<std::string> ids(const std::string& stream) {
    std::vector<std::string> out;
    for (std::size_t at = stream.find("id: "); at != std::string::npos; at = stream.find("id: ", at + 1))
      out.push_back(stream.substr(at + 4, stream.find('\n', at) - at - 4));
    return out;
  }
  // Follows, and after each write does what comes next; the peer leaves after the last.
  std::string follow(const std::string& query, std::vector<std::function<void()>> then,
                     const std::string& last_event_id = "") {
    writer_.writes = 0;
    writer_.peer_leaves_after = static_cast<int>(then.size());
    writer_.on_write = [this, then] { then.at(static_cast<std::size_t>(writer_.writes) - 1)(); };
    net::ServerRequest asked = request("GET", "/api/v1/projects/shop/logs" + query, token_, "");
    if (!last_event_id.empty()) asked.headers.add("Last-Event-ID", last_event_id);
    const net::HttpResponse answer = send(std::move(asked));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.body;
  }
  static void nothing() {}
  // One more line, at which the peer is found to be gone.
  std::function<void()> last() {
    return [this] { print_soon("the last"); };
  }

  store::ClientRow ada_;
  std::string token_;
  store::ProjectRow shop_;
};

TEST_F(Logs, ShowTheNewestLinesOldestFirst) {
  EXPECT_THAT(texts(""), ElementsAre()) << "nothing was deployed yet";
  print("web.1", {"line 1", "line \"2\" \x1b[31mred\x1b[0m\x1b]52;c;x\a caf\xe9"}, 3, 1'800'000'000'002, true);
  EXPECT_EQ(
      boost::json::serialize(get("?lines=1").at("items")),
      "[{\"sequence\":2,\"at\":\"2027-01-15T08:00:00.002Z\",\"process\":\"web\",\"instance\":\"web.1\","
      "\"deployment\":3,\"stream\":\"stderr\",\"text\":\"line \\\"2\\\" \\u001b[31mred\\u001b[0m caf\xef\xbf\xbd\"}]");
  EXPECT_THAT(texts("?lines=0"), ElementsAre());
}

TEST_F(Logs, AreFiltered) {
  print("web.1", {"GET /cart", "GET /pay"}, 1, clock_.now - 3'600'000);
  print("worker.1", {"paid"}, 2, clock_.now - 60'000);
  print("web.2", {"GET /pay again"}, 2, clock_.now);
  EXPECT_THAT(texts("?process=worker"), ElementsAre("paid"));
  EXPECT_THAT(texts("?deployment=1"), ElementsAre("GET /cart", "GET /pay"));
  EXPECT_THAT(texts("?grep=pay%24"), ElementsAre("GET /pay"));
  EXPECT_THAT(texts("?since=30m"), ElementsAre("paid", "GET /pay again"));
  EXPECT_THAT(texts("?since=" + rfc3339(clock_.now - 60'000)), ElementsAre("paid", "GET /pay again"));
  EXPECT_THAT(texts("?since=1m&process=web&lines=1"), ElementsAre("GET /pay again"));
  for (const char* bad : {"?since=yesterday", "?since=2026-13-01T00:00:00Z", "?lines=10001", "?deployment=0",
                          "?cursor=x", "?grep=(", "?grep=", "?cursor=-1"}) {
    const net::HttpResponse answer = ask("GET", std::string("/api/v1/projects/shop/logs") + bad, token_);
    EXPECT_EQ(answer.status, 422) << bad << answer.body;
  }
}

TEST_F(Logs, ArePagedFromACursorOn) {
  print("web.1", {"1", "2", "3", "4", "5"});
  EXPECT_THAT(texts("?cursor=1&lines=2"), ElementsAre("2", "3"));
  EXPECT_THAT(texts("?cursor=3"), ElementsAre("4", "5"));
  EXPECT_THAT(texts("?cursor=5"), ElementsAre());
  EXPECT_THAT(texts("?cursor=1&grep=[35]"), ElementsAre("3", "5"));
}

TEST_F(Logs, AreFollowed) {
  print("web.1", {"left out", "old one", "old two"});
  const std::string all =
      follow("?follow=true&lines=2", {[this] { print_soon("new"); }, [this] { print_soon("newer"); }, last()});
  EXPECT_THAT(ids(all), ElementsAre("2", "3", "4", "5"));
  EXPECT_THAT(all, testing::MatchesRegex("id: .*\nevent: log\ndata: .*old one.*id: .*old two.*new.*newer.*\n\n"));
}

TEST_F(Logs, AreFollowedThroughAFilter) {
  print("web.1", {"old"});
  print_soon("wanted 1");
  const std::string stream = follow("?follow=true&process=platform", {[this] {
                                                                        book_->add(shop_.id, 9, "build", "unwanted");
                                                                        print_soon("wanted 2");
                                                                      },
                                                                      last()});
  EXPECT_THAT(stream, testing::MatchesRegex("id: .*wanted 1.*wanted 2.*"));
  EXPECT_THAT(stream, Not(HasSubstr("unwanted")));
  EXPECT_THAT(stream, Not(HasSubstr("old")));
}

TEST_F(Logs, AreFollowedOnWithoutLossOrDoublingAfterABreak) {
  print("web.1", {"1", "2", "3"});
  const std::string first = follow("?follow=true&lines=2", {last()});  // which is the fourth
  EXPECT_THAT(ids(first), ElementsAre("2", "3"));
  print("web.1", {"5", "6"});
  const std::string second = follow("?follow=true&lines=1", {[this] { print_soon("7"); }, last()}, "3");
  EXPECT_THAT(ids(second), ElementsAre("4", "5", "6", "7")) << "the header says where, and lines= nothing then";
  EXPECT_THAT(ids(follow("?follow=true&cursor=6", {last()})), ElementsAre("7", "8"));
}

TEST_F(Logs, OfADeletedProjectEnd) {
  print("web.1", {"1"});
  const std::string stream =
      follow("?follow=true", {[this] { tasks_.spawn("remove", book_->remove(shop_.id)); }, nothing});
  EXPECT_THAT(stream, HasSubstr("event: error\ndata: {"));
  EXPECT_THAT(stream, HasSubstr("\"code\":\"not_found\""));
  EXPECT_TRUE(writer_.finished);
  EXPECT_EQ(ask("GET", "/api/v1/projects/shop/logs", token_).status, 404);
}

TEST_F(Logs, AreFollowedByNoAdministratorWhoOwesASecondFactor) {
  context_->accounts.administrators_need_second_factor = true;
  const store::ClientRow root = add_client("root", true);
  token_ = token_of(root);
  print("web.1", {"first"});
  const auto follow_while = [&](const std::string& totp) {
    const auto set = [this, id = root.id](const std::string& sealed) {
      EXPECT_TRUE(
          database_->write([&](store::Tx& tx) { return store::set_totp(tx, id, sealed, sealed.empty() ? 0 : 1); }));
    };
    set("sealed");
    const auto meanwhile = [this, set, totp] {
      set(totp);
      clock_.now += 15'000;
      print_soon("second");
    };
    return follow("?follow=true", {meanwhile, last(), last()});  // one of the writes may be a comment
  };
  const std::string with = follow_while("sealed");
  EXPECT_THAT(with, HasSubstr("second")) << "the control";
  EXPECT_THAT(with, Not(HasSubstr("event: error")));
  writer_.finished = false;
  const std::string without = follow_while("");
  EXPECT_THAT(without, HasSubstr("event: error\ndata: {"));
  EXPECT_THAT(without, HasSubstr("\"code\":\"permission_denied\""));
  EXPECT_TRUE(writer_.finished);
}

TEST_F(Logs, ThatAReaderIsTooLateForAreAGapItIsToldOf) {
  print("web.1", {"1"});
  std::vector<std::string> many(1'000, std::string(4'000, 'x'));
  for (int i = 0; i < 20; ++i) print("web.1", many);  // 80 MB, of which 64 MiB stay
  const std::string stream = follow("?follow=true", {nothing}, "1");
  EXPECT_THAT(stream.substr(0, 60), testing::MatchesRegex("event: gap\ndata: \\{\"missed\":[0-9]+\\}\n\nid: .*"));
  const boost::json::object page = get("?cursor=1&lines=1");
  EXPECT_EQ(page.at("items").at(0).at("sequence").as_int64(), page.at("missed").as_int64() + 2);
}

}  // namespace
}  // namespace paastech::api
