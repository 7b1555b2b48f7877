#include "paastechd/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "base/ids.h"

namespace paastech {
namespace {

struct ConfigTest : testing::Test {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("paastech-config-" + new_uuid());
  std::map<std::string, std::string> variables;
  void SetUp() override {
    std::filesystem::create_directories(folder);
    variables["PAASTECH_HOME"] = folder.string();
  }
  void TearDown() override { std::filesystem::remove_all(folder); }
  Result<Config> load(const std::string& toml) {
    std::ofstream(folder / "paastech.toml") << toml;
    return load_config({}, [this](const char* name) {
      const auto found = variables.find(name);
      return found == variables.end() ? nullptr : found->second.c_str();
    });
  }
};

TEST_F(ConfigTest, EnvironmentOverrulesTheFileAndTheFileTheDefaults) {
  variables["PAASTECH_API_PORT"] = "9100";
  const auto config = load("[api]\nport = 9000\n[git]\nport = 9022\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->api_port, 9100);
  EXPECT_EQ(config->ssh_port, 9022);
  EXPECT_EQ(config->http_port, 8080);
}

TEST_F(ConfigTest, NamesFileLineAndKeyOfAMistake) {
  const struct {
    const char* toml;
    const char* expected;
  } rows[] = {
      {"[api]\n\nprot = 1\n", "line 3: `api.prot` is not a known key"},
      {"[api]\nport = \"8000\"\n", "line 2: `api.port` must be a whole number"},
      {"[git]\nport = 70000\n", "line 2: `git.port` must be a whole number from 0 to 65535"},
      {"[service]\nfqdn = 7\n", "line 2: `service.fqdn` must be a text"},
      {"[api\nport = 1\n", "line 1"},
      {"[a.b]\nc = 1\n", "line 1: `a.b` is not a known section"},
      {"[service]\n\nfqdn = \"PaaS\"\n", "line 3: `service.fqdn` `PaaS` is not"},
      {"[service]\nscheme = \"ftp\"\n", "line 2: `service.scheme` `ftp` is not"},
      {"[log]\nlevel = \"loud\"\n", "line 2: `log.level` `loud` is not"},
      {"[engine]\ninstance = \"A B\"\n", "line 2: `engine.instance` `A B` is not"},
      {"[engine]\nsubnet_pool = \"10.0.0.0\"\n", "line 2: `engine.subnet_pool`"},
      {"[git]\nport = 8080\n", "line 2: `git.port` must differ"},
  };
  for (const auto& row : rows) {
    const auto config = load(row.toml);
    ASSERT_FALSE(config) << row.toml;
    EXPECT_NE(config.error().message.find(row.expected), std::string::npos) << config.error().message;
    EXPECT_NE(config.error().message.find("paastech.toml"), std::string::npos) << config.error().message;
  }
}

TEST_F(ConfigTest, RefusesABadPortVariableAndEqualPorts) {
  variables["PAASTECH_SSH_PORT"] = "22x";
  EXPECT_FALSE(load(""));
  variables["PAASTECH_SSH_PORT"] = "8000";
  const auto config = load("");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find("must differ"), std::string::npos);
  EXPECT_NE(config.error().message.find("PAASTECH_SSH_PORT"), std::string::npos) << config.error().message;
}

TEST_F(ConfigTest, GivesEachHomeAnInstanceNameOfItsOwn) {
  const auto first = load("");
  variables["PAASTECH_HOME"] = (folder / "other").string();
  const auto second = load_config({}, [this](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  });
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->instance, second->instance);
}

}  // namespace
}  // namespace paastech
