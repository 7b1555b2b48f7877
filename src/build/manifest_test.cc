#include "build/manifest.h"

#include <gtest/gtest.h>

#include <string>

namespace paastech::build {
namespace {

Manifest parsed(const std::string& text) {
  const Result<Manifest> manifest = manifest_of(text, std::nullopt);
  if (!manifest) ADD_FAILURE() << text << "\n" << manifest.error().message;
  return manifest.value_or(Manifest{});
}

std::string refusal_of(const std::string& text) {
  const Result<Manifest> manifest = manifest_of(text, std::nullopt);
  if (manifest) return "accepted";
  EXPECT_EQ(manifest.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(manifest.error().hint.empty()) << manifest.error().message;
  return manifest.error().message;
}

bool refused(const std::string& text, const std::string& part) {
  const std::string message = refusal_of(text);
  if (message.find(part) != std::string::npos) return true;
  ADD_FAILURE() << text << "\ngave: " << message << "\nwanted: " << part;
  return false;
}

TEST(Manifest, AnEmptyFileGivesTheDefaults) {
  for (const std::string text :
       {"", "\n", "# only a comment\n", "---\n", "build:\nprocesses:\n", "processes:\n  web:\n"}) {
    const Manifest manifest = parsed(text);
    EXPECT_EQ(manifest.dockerfile, "Dockerfile");
    EXPECT_EQ(manifest.context, ".");
    ASSERT_EQ(manifest.run.processes.size(), 1u);
    const Process& web = manifest.run.processes.at("web");
    EXPECT_EQ(web, Process{});
    EXPECT_EQ(web.ready_timeout_s, 60);  // as the README says
    EXPECT_EQ(web.drain_s, 30);
    EXPECT_EQ(web.stop_grace_s, 10);
  }
}

TEST(Manifest, ReadsEveryKey) {
  const Manifest manifest = parsed(
      "build:\n  context: ./app/\n  dockerfile: app//deploy/./Dockerfile.web\n"
      "processes:\n  web:\n    command: [node, \"server.js\", '80', -v]\n    port: 3000\n    health: /healthz?full=1\n"
      "    ready_timeout: 600\n");
  EXPECT_EQ(manifest.context, "app");
  EXPECT_EQ(manifest.dockerfile, "app/deploy/Dockerfile.web");
  const Process& web = manifest.run.processes.at("web");
  EXPECT_EQ(web.command, (std::vector<std::string>{"node", "server.js", "80", "-v"}));
  EXPECT_EQ(web.port, 3000);
  ASSERT_TRUE(web.readiness);
  EXPECT_EQ(*web.readiness, (Probe{.kind = Probe::Kind::kHttp, .path = "/healthz?full=1"}));
  EXPECT_EQ(web.ready_timeout_s, 600);
}

TEST(Manifest, TheDockerfileFollowsTheContextWhereOnlyThatIsGiven) {
  EXPECT_EQ(parsed("build: {context: app}").dockerfile, "app/Dockerfile");
  EXPECT_EQ(parsed("build: {context: .}").dockerfile, "Dockerfile");
  EXPECT_EQ(parsed("build: {dockerfile: a/b}").context, ".");
}

TEST(Manifest, NamesLineAndKeyOfAnUnknownKey) {
  EXPECT_TRUE(refused("build:\n  dockerfile: a\nbiuld: {}\n", "paastech.yaml line 3: `biuld` is not a known key"));
  EXPECT_TRUE(refused("build:\n  target: x\n", "line 2: `build.target` is not a known key"));
  EXPECT_TRUE(refused("processes:\n  web:\n    port: 80\n    scale: 2\n", "line 4: `processes.web.scale` is not"));
  EXPECT_TRUE(refused("processes:\n  Worker: {}\n", "line 2: `processes.Worker` is not the name of a process"));
  EXPECT_TRUE(refused("processes: {release: {}}\n", "`processes.release` is a word that the platform uses itself"));
  EXPECT_TRUE(refused("\"\\e[31mred\": 1\n", "line 1: `[31mred` is not a known key"));  // without the escape character
}

TEST(Manifest, NamesLineAndKeyOfAWrongType) {
  for (const std::string port :
       {"\"80\"", "0", "65536", "-1", "80.0", "http", "[80]", "", "0x50", "99999999999", "80 90"})
    EXPECT_TRUE(
        refused("processes:\n  web:\n    port: " + port + "\n", "`processes.web.port` must be a number from 1"));
  for (const std::string limit : {"0", "601", "60s", "1.5", "\"60\""})
    EXPECT_TRUE(
        refused("processes: {web: {ready_timeout: " + limit + "}}", "`processes.web.ready_timeout` must be whole"));
  for (const std::string health : {"healthz", "\"\"", "/a b", "\"/a\\nb\"", "/ä", "/a#b"})
    EXPECT_TRUE(
        refused("processes: {web: {health: " + health + "}}", "line 1: `processes.web.health` must be an HTTP path"));
  EXPECT_TRUE(refused("processes: {web: {health: true}}", "`processes.web.health` must be text"));
  EXPECT_TRUE(refused("processes: {web: {health: [/a]}}", "`processes.web.health` must be an HTTP path or a mapping"));
  EXPECT_TRUE(refused("processes: {web: {command: 5}}", "`processes.web.command` must be text or a list of words"));
  EXPECT_TRUE(refused("processes: {web: {command: ' '}}", "`processes.web.command` is empty"));
  EXPECT_TRUE(refused("processes: {web: {command: []}}", "must have 1 to 64 words"));
  EXPECT_TRUE(refused("processes: {web: {command: ['']}}", "begins with an empty word"));
  for (const std::string word : {"4", "true", "~", "1e3", "0x1f", "-1.5", "[b]", "no"})
    EXPECT_TRUE(
        refused("processes:\n  web:\n    command:\n    - a\n    - " + word, "line 5: `processes.web.command[1]` must"));
  EXPECT_TRUE(refused("- a\n", "line 1: the file must be a mapping"));
  EXPECT_TRUE(refused("hello\n", "line 1: the file must be a mapping"));
  EXPECT_TRUE(refused("build: [a]\n", "`build` must be a mapping"));
  EXPECT_TRUE(refused("processes: web\n", "`processes` must be a mapping"));
  EXPECT_TRUE(refused("build: {dockerfile: 5}", "`build.dockerfile` must be text"));
}

TEST(Manifest, TextThatOnlyLooksLikeANumberIsText) {
  const Manifest manifest = parsed("processes: {web: {command: [a, 1.2.3, 10m, --workers=4, -e, facade, .5x, 1-2]}}");
  EXPECT_EQ(manifest.run.processes.at("web").command.size(), 8u);
}

TEST(Manifest, PathsStayInsideTheRepositoryAndAreNoOptions) {
  for (const std::string path :
       {"/etc/passwd", "../x", "a/../../x", "..", "-f", "a/-x", ":(glob)x", "\"a\\nb\"", "\"a\\0b\"", "\"\""}) {
    EXPECT_TRUE(refused("build: {dockerfile: " + path + "}", "line 1: `build.dockerfile` "));
    EXPECT_TRUE(refused("build: {context: " + path + "}", "line 1: `build.context` "));
  }
  EXPECT_TRUE(refused("build: {dockerfile: ./}", "must name a file"));
  EXPECT_TRUE(
      refused("build:\n  context: app\n  dockerfile: Dockerfile\n", "line 3: `build.dockerfile` must lie inside"));
  EXPECT_TRUE(refused("build: {context: app, dockerfile: application/Dockerfile}", "must lie inside"));
  EXPECT_EQ(parsed("build: {dockerfile: a..b/.hidden}").dockerfile, "a..b/.hidden");
}

TEST(Manifest, NamesTheLineOfASyntaxError) {
  EXPECT_TRUE(refused("build:\n  dockerfile: \"a\n", "paastech.yaml line 2: "));
  EXPECT_TRUE(refused("build:\n\tdockerfile: a\n", "paastech.yaml line 2: "));
  EXPECT_TRUE(refused("build: {dockerfile: a\n", "paastech.yaml line "));
  EXPECT_TRUE(refused("a: 1\n b: 2\n", "paastech.yaml line 2: "));
}

TEST(Manifest, RefusesDoubledKeysAliasesTagsAndFurtherDocuments) {
  EXPECT_TRUE(refused("build: {}\nprocesses: {}\nbuild: {}\n", "line 3: `build` is there twice, first on line 1"));
  EXPECT_TRUE(refused("processes:\n  web: {port: 1,\n   port: 2}\n", "line 3: `port` is there twice"));
  EXPECT_TRUE(refused("build: &a {}\nprocesses: *a\n", "line 1: an anchor"));
  EXPECT_TRUE(refused("build: {dockerfile: !!str 5}\n", "line 1: a tag"));
  EXPECT_TRUE(refused("build: !x {}\n", "line 1: a tag"));
  EXPECT_TRUE(refused("build: {}\n---\nbuild: {}\n", "line 2: a second document"));
  EXPECT_TRUE(refused("? [a]\n: b\n", "a key is a list"));
  EXPECT_TRUE(refused(std::string("build: {}\n\x04\nunknown: x\n"), "line 2: a control character"));
  EXPECT_TRUE(refused("# a\n%TAG ! x\n---\nbuild: {}\n", "line 2: a directive"));
  EXPECT_TRUE(refused("# \xff\n", "not UTF-8"));
}

TEST(Manifest, HostileInputEndsSoonWithAnError) {
  const std::size_t most = 256 * 1024;
  EXPECT_TRUE(refused(std::string(most + 1, ' '), "over 256 KiB"));
  std::string bomb = "a: &a [x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c)
    bomb += std::string(1, c) + ": &" + c + " [*" + char(c - 1) + ",*" + char(c - 1) + "]\n";
  EXPECT_TRUE(refused(bomb, "anchor"));
  std::string wide;
  for (int i = 0; i < 20000; ++i) wide += "k" + std::to_string(i) + ": 1\n";
  EXPECT_TRUE(refused(wide, "too many"));
  for (const std::string unit :
       {"[", "{", "- ", "? ", "\"", "a: ", "{a: ", "[a, ", "!", "|\n", "'", "%", "\n-", "*", "&"}) {
    std::string text;
    while (text.size() + unit.size() <= most) text += unit;
    EXPECT_NE(refusal_of(text), "accepted") << unit;
  }
}

}  // namespace
}  // namespace paastech::build
