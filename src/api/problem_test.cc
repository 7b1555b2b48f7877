#include "api/problem.h"

#include <gtest/gtest.h>
#include <boost/json.hpp>

namespace paastech::api {
namespace {

TEST(Problem, CarriesEveryFieldOfTheContract) {
  const net::HttpResponse answer = problem({Code::kNotFound, "no such thing", "look again"}, "req-1");
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(answer.headers.find("content-type"), "application/problem+json");
  const auto body = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(body.at("type"), "about:blank");
  EXPECT_EQ(body.at("title"), "Not Found");
  EXPECT_EQ(body.at("status"), 404);
  EXPECT_EQ(body.at("detail"), "no such thing");
  EXPECT_EQ(body.at("code"), "not_found");
  EXPECT_EQ(body.at("hint"), "look again");
  EXPECT_EQ(body.at("request_id"), "req-1");
}

TEST(Problem, NamesAnotherStatusWhereOneIsGiven) {
  const net::HttpResponse answer = problem({Code::kInvalidArgument, "no JSON", ""}, "r", 400);
  EXPECT_EQ(answer.status, 400);
  const auto body = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(body.at("title"), "Bad Request");
  EXPECT_FALSE(body.contains("hint"));
}

TEST(Problem, SaysHowToLogInWhereNobodyHas) {
  EXPECT_TRUE(problem({Code::kUnauthenticated, "who?", ""}, "r").headers.find("WWW-Authenticate"));
  EXPECT_FALSE(problem({Code::kPermissionDenied, "no", ""}, "r").headers.find("WWW-Authenticate"));
}

TEST(Problem, KeepsForeignBytesOutOfTheAnswer) {
  const net::HttpResponse answer = problem({Code::kInternal,
                                            "a\xff\x1b]52;c;x\a"
                                            "b",
                                            ""},
                                           "r");
  EXPECT_EQ(boost::json::parse(answer.body).as_object().at("detail"),
            "a\xef\xbf\xbd"
            "b");
}

}  // namespace
}  // namespace paastech::api
