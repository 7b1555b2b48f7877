#include "domain/process_json.h"

#include <gtest/gtest.h>

namespace paastech {
namespace {

ProcessList full() {
  ProcessList list;
  list.strategy = Strategy::kRecreate;
  list.release = ReleaseCommand{{"a \"b\"", "ü\n"}, 61};
  list.processes["web"] = {.command = {"node", ""},
                           .port = 8080,
                           .readiness = Probe{.kind = Probe::Kind::kHttp,
                                              .path = "/h?x",
                                              .host = "www.example.org",
                                              .status_low = 204,
                                              .status_high = 299,
                                              .interval_s = 3,
                                              .timeout_s = 7,
                                              .successes = 2},
                           .ready_timeout_s = 5,
                           .liveness = Probe{.interval_s = 11, .timeout_s = 2, .failures = 4},
                           .drain_s = 0,
                           .stop_signal = "SIGQUIT",
                           .stop_grace_s = 99,
                           .count = 0,
                           .memory_bytes = 64LL << 30,
                           .milli_cpus = 10,
                           .group = 12};
  list.processes["worker"] = {.readiness = Probe{.kind = Probe::Kind::kCommand, .command = {"./well"}}};
  list.processes["processes"] = {};
  return list;
}

TEST(ProcessJson, AListSurvivesTheWayThere) {
  for (const ProcessList& list : {full(), ProcessList{}, ProcessList{.processes = {}}}) {
    const Result<ProcessList> back = process_list_from_json(process_list_to_json(list));
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, list) << process_list_to_json(list);
  }
}

TEST(ProcessJson, NothingIsWebAlone) { EXPECT_EQ(process_list_from_json("{}").value(), ProcessList{}); }

TEST(ProcessJson, ReadsTheRowsOfBefore) {
  const Result<ProcessList> list =
      process_list_from_json(R"({"web":{"command":["a","b"],"port":3000,"health":"/healthz","ready_timeout":90}})");
  ASSERT_TRUE(list);
  ProcessList expected;
  expected.processes["web"] = {.command = {"a", "b"},
                               .port = 3000,
                               .readiness = Probe{.kind = Probe::Kind::kHttp, .path = "/healthz"},
                               .ready_timeout_s = 90};
  EXPECT_EQ(*list, expected);
  EXPECT_EQ(process_list_from_json(R"({"web":{"health":""}})").value(), ProcessList{});
  const Result<ProcessList> later = process_list_from_json(
      R"({"processes":{"web":{"readiness":{"kind":"tcp","interval":10,"timeout":5,"failures":3}}}})");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->processes.at("web").readiness->interval_s, 0) << "that was the interval of liveness";
}

TEST(ProcessJson, WhatANewerProgramWroteBesideIsLeftOut) {
  const auto list = process_list_from_json(R"({"processes":{"web":{"colour":"red"}},"strategy":"canary","more":[1]})");
  ASSERT_TRUE(list);
  EXPECT_EQ(*list, ProcessList{});
}

TEST(ProcessJson, ADamagedRowIsAnErrorAndNoCrash) {
  for (const char* text :
       {"", "[]", "{\"web\":1}", "{\"web\":{\"port\":\"x\"}}", "{\"web\":{\"command\":[1]}}", "{\"processes\":[]}",
        "{\"processes\":{\"web\":{\"readiness\":{\"status\":[200]}}}}", "{\"processes\":{},\"release\":1}"}) {
    const auto back = process_list_from_json(text);
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code, Code::kInternal);
  }
}

TEST(ProcessJson, StrategiesHaveNames) {
  for (const Strategy strategy : {Strategy::kBlueGreen, Strategy::kRolling, Strategy::kRecreate})
    EXPECT_EQ(strategy_from(to_text(strategy)).value(), strategy);
  EXPECT_EQ(strategy_from("canary").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace paastech
